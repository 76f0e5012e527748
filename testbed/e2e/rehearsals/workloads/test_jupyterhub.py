"""JupyterHub starts notebooks in the teams' namespaces, where logging to MLflow needs no settings."""

import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest

from testbed.e2e import hub, kube
from testbed.e2e.figures import Figures
from testbed.e2e.hub import Hub, Kernel
from tests import snippets
from tools.stack import Platform

USER = "system:serviceaccount:team-a:mlflow-client"
GROUPS = {"team-a-mlflow-users": ["alice"], "team-b-mlflow-users": ["bob"], "guests": ["carol"]}
POD = "jupyter-alice"

RESULT = """
import json
fits = mlflow.search_runs(order_by=["attributes.start_time DESC"], output_format="list", max_results=2)[::-1]
print(json.dumps({
    "strengths": [one.data.params["C"] for one in fits],
    "scores": [one.data.metrics["training_accuracy_score"] for one in fits],
    "ids": [one.info.run_id for one in fits],
    "experiment": fits[0].info.experiment_id,
    "user": fits[0].info.user_id,
    "artifacts": fits[0].info.artifact_uri,
    "predictions": model.predict(samples[:3]).tolist(),
    "class": f"{type(model).__module__}.{type(model).__name__}",
}))
"""
ENVIRONMENT = """
import json, os
print(json.dumps({name: value for name, value in os.environ.items() if name.startswith(("MLFLOW", "AWS"))}))
"""
OTHER_WORKSPACE = """
mlflow.set_workspace("team-b")
try:
    mlflow.create_experiment("intruder")
except mlflow.exceptions.MlflowException as error:
    print(error)
"""


@pytest.fixture(scope="module")
def running(platform: Platform) -> Iterator[Hub]:
    assert platform.teams
    with hub.running(GROUPS) as found:
        yield found


@pytest.fixture(scope="module")
def kernel(running: Hub, figures: Figures) -> Iterator[Kernel]:
    """A kernel in alice's notebook."""
    start = time.monotonic()
    with running.notebook("alice", profile="team-a") as notebook, notebook.kernel() as found:
        figures.add("JupyterHub: from the choice of a team to a kernel", time.monotonic() - start)
        yield found


@pytest.fixture(scope="module")
def logged(kernel: Kernel, figures: Figures) -> dict[str, Any]:
    """Result of the cells of docs/jupyterhub.md."""
    start = time.monotonic()
    for cell in snippets.notebook_cells():
        kernel.run(cell)
    figures.add("notebook: two fits logged by scikit-learn autologging, one model loaded", time.monotonic() - start)
    return json.loads(kernel.run(RESULT).splitlines()[-1])


def test_the_notebook_runs_in_its_teams_namespace_with_its_teams_environment(kernel: Kernel) -> None:
    assert json.loads(kernel.run(ENVIRONMENT))["MLFLOW_WORKSPACE"] == "team-a"
    pod = kube.one("pod", POD, "team-a")
    assert pod["spec"]["serviceAccountName"] == "mlflow-client"
    (container,) = pod["spec"]["containers"]
    assert not [one["name"] for one in container["env"] if one["name"].startswith("MLFLOW")]


def test_autologging_records_each_fit_with_nothing_set_by_the_user(logged: dict[str, Any]) -> None:
    assert logged["strengths"] == ["0.01", "1.0"]
    weak, strong = logged["scores"]
    assert 0 < weak < strong <= 1
    assert logged["user"] == USER
    assert logged["artifacts"].startswith("mlflow-artifacts:/")


def test_a_model_comes_back_as_what_its_framework_made(logged: dict[str, Any]) -> None:
    assert logged["class"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert logged["predictions"] == [0, 0, 0]


def test_the_workspace_of_another_team_is_refused(kernel: Kernel, logged: dict[str, Any]) -> None:
    assert logged
    assert "PERMISSION_DENIED" in kernel.run(OTHER_WORKSPACE)


def test_a_program_chooses_its_workspace_by_a_call_and_by_a_header(kernel: Kernel) -> None:
    kernel.run(snippets.other_workspace())
    assert "experiments" in kernel.run("print(answer.json())")


def test_nobody_chooses_a_team_of_which_he_is_no_member(running: Hub) -> None:
    asked = running.start("bob", profile="team-a")
    assert asked.status >= HTTPStatus.BAD_REQUEST, asked
    assert kube.kubectl("get", "pods", "--namespace=team-a", "--output=name").stdout.count("jupyter-bob") == 0


def test_somebody_without_a_team_is_told_which_groups_there_are(running: Hub) -> None:
    asked = running.start("carol", profile="")
    assert asked.status == HTTPStatus.FORBIDDEN
    assert "team-a-mlflow-users" in json.dumps(asked.document)
