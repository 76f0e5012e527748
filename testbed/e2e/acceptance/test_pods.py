"""A team's pods log as documented: with a service account and the provided environment only."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from testbed.e2e import kube
from testbed.e2e.figures import Figures
from testbed.e2e.web import Site
from testbed.e2e.workload import client_image, run_workload
from tests import snippets
from tools.stack import Platform

EXPERIMENT = "from-a-pod"
USER = "system:serviceaccount:team-a:mlflow-client"


@pytest.fixture(scope="module")
def image(platform: Platform) -> str:
    return client_image(platform)


@pytest.mark.parametrize("pod", snippets.documented_pods(), ids=lambda pod: pod["metadata"]["name"])
def test_the_documented_pod_logs_a_run_in_its_teams_workspace(
    pod: dict[str, Any], site: Site, platform: Platform
) -> None:
    before = _runs(site, platform)
    kube.run_pod(pod)
    new = [run for run in _runs(site, platform) if run not in before]
    assert len(new) == 1


@pytest.fixture(scope="module")
def notebook(image: str) -> dict[str, Any]:
    return run_workload("notebook", snippets.notebook(), image=image)


def test_a_notebook_searches_parameters_and_finds_again_what_it_logged(notebook: dict[str, Any]) -> None:
    assert notebook["names"] == ["depth 2", "depth 4"]
    assert notebook["curves"] == notebook["expected_curves"]
    assert notebook["table"] == notebook["expected_table"]
    assert notebook["figure_that_came_back"] == notebook["figure"]
    assert notebook["came_back"] == notebook["sent"]
    assert notebook["user"] == USER


def test_a_notebooks_links_lead_to_the_run_behind_the_public_address_too(notebook: dict[str, Any]) -> None:
    assert f"/runs/{notebook['run_id']}?workspace=team-a" in notebook["link"].partition("/#/")[2]


def test_a_notebook_is_refused_by_the_other_teams_workspace(notebook: dict[str, Any]) -> None:
    assert notebook["status"] == 403
    assert "PERMISSION_DENIED" in notebook["refusal"]


@pytest.mark.parametrize("example", [snippets.operators_task, snippets.executors_task], ids=["operator", "executor"])
def test_tasks_of_a_dag_work_on_one_run_from_pods_of_their_own(
    example: Callable[[], dict[str, Any]], image: str
) -> None:
    part = example()
    extracted = run_workload("dag", part, "extract", image=image)
    trained = run_workload("dag", part, "train", extracted["run_id"], image=image)
    reported = run_workload("dag", part, "report", extracted["run_id"], image=image)
    assert trained["digest"] == extracted["digest"]
    assert reported["text"] == "slope 3.000 from 5000 rows"
    assert reported["files"] == ["input", "report.txt"]
    assert (reported["status"], reported["user"]) == ("FINISHED", USER)
    assert "PERMISSION_DENIED" in reported["refusal"]


def test_a_pipeline_trains_evaluates_registers_and_serves_a_model(image: str, figures: Figures) -> None:
    start = time.monotonic()
    got = run_workload("pipeline", _pipelines_task(), image=image)
    figures.add("pod: train, evaluate, register, serve", time.monotonic() - start)
    assert got["accuracy"] == 1
    assert got["champion"] == got["version"]
    assert got["tags"] == {"accuracy": "1.0"}
    assert got["predictions"] == [21, 24]
    assert got["came_back"] == got["sent"]
    assert "PERMISSION_DENIED" in got["refusal"]


def test_variables_one_by_one_do_as_well_as_the_whole_environment(image: str) -> None:
    """Kubeflow does not support `envFrom`, so docs/kubeflow.md names every variable."""
    config_map, variables = snippets.pipelines_variables()
    part = _pipelines_task()
    (container,) = part["containers"]
    del container["envFrom"]
    container["env"] = [
        {"name": name, "valueFrom": {"configMapKeyRef": {"name": config_map, "key": key}}}
        for key, name in variables.items()
    ]
    assert run_workload("dag", part, "extract", image=image)["run_id"]


def _pipelines_task() -> dict[str, Any]:
    """A pod as docs/kubeflow.md describes it."""
    return snippets.documented_pods()[0]["spec"]


def _runs(site: Site, platform: Platform) -> list[str]:
    """Ids of the runs in the example's experiment, as the team's own token finds them."""
    team = platform.teams["team-a"]
    token = kube.token(team.namespace, team.service_account, "--audience=mlflow")
    by_name = f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={EXPERIMENT}"
    known = site.ask("GET", by_name, token=token, workspace="team-a")
    if known.status == 404:
        return []
    query = {"experiment_ids": [known.json()["experiment"]["experiment_id"]], "max_results": 1000}
    found = site.ask("POST", "/api/2.0/mlflow/runs/search", token=token, workspace="team-a", document=query).json()
    return [run["info"]["run_id"] for run in found.get("runs", ())]
