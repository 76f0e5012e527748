"""Teams of a stack without a server use a tracking server outside the platform, beside the `dev` stack.

A fault of the server, its certificate, the credentials or the versions ends the deployment with one sentence.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import run
from testbed.e2e.rehearsals.external import foreign
from testbed.e2e.rehearsals.external.foreign import BLUE, HOST, PASSWORD, RED, URL, Stack
from tests import snippets

pytestmark = [pytest.mark.chapters, pytest.mark.usefixtures("stack")]

READ = (
    "import mlflow;"
    " runs = mlflow.search_runs(search_all_experiments=True, output_format='list');"
    " print([run.data.metrics for run in runs])"
)
OWN = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
CONNECT = f"import socket; socket.create_connection(({HOST!r}, 8443), timeout=8)"


@pytest.fixture(scope="module", name="stack")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with foreign.tracking_server(), foreign.stack(tmp_path_factory.mktemp("external")) as found:
        yield found


def doctor() -> Any:  # noqa: ANN401 - the doctor's JSON
    """The doctor's report about the stack."""
    command = (".venv/bin/python", "-m", "tools.doctor", f"--stack={foreign.STACK}", "--json")
    return json.loads(run(*command, seconds=180, expected=None).stdout)


def documented_pod(script: str | None = None, *, team: str = RED, labels: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - a manifest
    """The pod of docs/external.md in a team's namespace."""
    pod = snippets.external_pod()
    pod["metadata"]["namespace"] = team
    if labels is not None:
        pod["metadata"]["labels"] = labels
    if script is not None:
        pod["spec"]["containers"][0]["command"] = ["python3", "-c", script]
    return pod


def test_a_secret_that_a_team_has_not_made_yet_ends_the_first_deployment(stack: Stack) -> None:
    said = stack.refused(foreign.settings())
    assert "the Secret own in the namespace ext-blue does not exist or lacks the keys MLFLOW_TRACKING_USERNAME" in said
    foreign.put_secret("own", BLUE, OWN)
    stack.up(foreign.settings())


def test_beside_a_platform_it_adds_namespaces_and_what_is_in_them() -> None:
    state = json.loads(foreign.pulumi("stack", "export").stdout)["deployment"]
    kinds = {one["type"].rpartition(":")[2] for one in state["resources"] if one["type"].startswith("kubernetes:")}
    assert not any("Role" in kind for kind in kinds)
    assert PASSWORD not in json.dumps(state)
    for team in (RED, BLUE):
        labels = json.loads(kube.kubectl("get", "namespace", team, "--output=json").stdout)["metadata"]["labels"]
        assert "mlflow-enabled" not in labels


def test_a_pod_with_the_label_logs_a_run_with_nothing_set_by_its_user() -> None:
    kube.run_pod(documented_pod())
    assert "{'loss': 0.1}" in kube.run_pod(documented_pod(READ))


def test_a_pod_without_the_label_cannot_reach_the_server() -> None:
    kube.run_pod(documented_pod(CONNECT))
    with pytest.raises(AssertionError, match="TimeoutError"):
        kube.run_pod(documented_pod(CONNECT, labels={}))
    # The label of another team is none here.
    with pytest.raises(AssertionError, match="TimeoutError"):
        kube.run_pod(documented_pod(CONNECT, labels={"uses": "mlflow"}))


def test_the_smoke_test_checks_the_connection_from_every_team_again() -> None:
    done = run(".venv/bin/python", "-m", "tools.smoke", env={"PULUMI_STACK": foreign.STACK}, seconds=180)
    for team in (RED, BLUE):
        assert f"team {team}: MLflow 3.17.2 at {URL}, which fits to the client 3.17.2, answers" in done.stdout


def test_the_doctor_names_the_team_whose_credentials_are_wrong() -> None:
    healthy = doctor()
    assert (healthy["result"], healthy["fault"]) == ("healthy", None)
    foreign.put_secret("own", BLUE, {**OWN, "MLFLOW_TRACKING_PASSWORD": "of-somebody-else"})
    fault = doctor()["fault"]
    foreign.put_secret("own", BLUE, OWN)
    assert (fault["chapter"], fault["subject"]) == ("tracking server", f"{URL} from team {BLUE}")
    assert "does not accept the credentials (401" in fault["what"]
    assert fault["mend"] == "correct user name, password or token, and run `up` again"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"credentials": {"kind": "password", "username": "nobody"}}, f"{URL} does not accept the credentials (401"),
        ({"cluster": {"authorities": foreign.STRANGER}}, f"the certificate of {URL} is not trusted"),
        (
            {"workspaces": {"clientVersion": "3.99.0"}},
            "the MLflow client 3.99.0 is newer than the server's version 3.17.2",
        ),
        ({"url": f"https://{HOST}:8444"}, f"connection refused: nothing listens at https://{HOST}:8444"),
        (
            {"url": "https://nowhere.foreign.svc.cluster.local:8443"},
            "the host name nowhere.foreign.svc.cluster.local has no address in the cluster's DNS",
        ),
    ],
    ids=["401", "certificate", "version", "refused", "name"],
)
def test_what_is_wrong_ends_the_deployment_with_one_sentence(
    stack: Stack, changes: dict[str, object], sentence: str
) -> None:
    assert sentence in stack.refused(foreign.settings(**changes))


def test_the_right_settings_are_deployed_again_after_all_failures(stack: Stack) -> None:
    stack.up(foreign.settings())
    assert "{'loss': 0.1}" in kube.run_pod(documented_pod(READ))
