import json
from collections.abc import Callable
from typing import Any

import pytest

from components.team import client_environment as clients
from settings.schema.cluster import Cluster
from settings.schema.teams import Team
from tests import snippets

PODS = {
    "notebook": snippets.notebook,
    "operator": snippets.operators_task,
    "executor": snippets.executors_task,
    "pod": lambda: snippets.documented_pods()[0]["spec"],
}


@pytest.mark.parametrize("read", PODS.values(), ids=PODS)
def test_every_example_needs_a_service_account_and_an_environment_and_nothing_else(
    read: Callable[[], dict[str, Any]],
) -> None:
    pod = read()
    (container,) = pod["containers"]
    assert pod["serviceAccountName"] == clients.NAME
    assert container["envFrom"] == [{"configMapRef": {"name": clients.NAME}}]
    assert not {"volumes", "automountServiceAccountToken"} & pod.keys()
    assert not {"env", "volumeMounts"} & container.keys()


@pytest.mark.parametrize("read", PODS.values(), ids=PODS)
def test_every_example_is_as_strict_as_a_teams_namespace_demands(read: Callable[[], dict[str, Any]]) -> None:
    pod = read()
    (container,) = pod["containers"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_a_pipelines_task_is_given_every_variable_under_its_own_name() -> None:
    config_map, variables = snippets.pipelines_variables()
    assert config_map == clients.NAME
    assert variables == {name: name for name in clients.environment("team-a", "https://mlflow.example.com")}


def test_a_pod_that_wants_https_mounts_the_authority_where_it_says_it_is() -> None:
    pod = snippets.documented_pods()[1]["spec"]
    (container,) = pod["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == "mlflow-ca"]
    (volume,) = [one for one in pod["volumes"] if one["name"] == "mlflow-ca"]
    assert variables["MLFLOW_TRACKING_SERVER_CERT_PATH"] == f"{mount['mountPath']}/ca.crt"
    assert volume["configMap"] == {"name": clients.AUTHORITY}


@pytest.mark.parametrize("page", ["log-from-a-pod", "airflow", "kubeflow"])
def test_what_a_page_adds_to_a_stack_file_is_right(page: str) -> None:
    (shown,) = snippets.team_settings(page)
    for team in shown["teams"].values():
        assert Team.model_validate_json(json.dumps(team)).service_accounts
    Cluster.model_validate_json(json.dumps(shown.get("cluster", {})))
