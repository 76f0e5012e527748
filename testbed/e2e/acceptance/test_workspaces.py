"""The list of workspaces, and the descriptions from which people choose one."""

import json
import time
from collections.abc import Iterator

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from testbed.e2e.variant import committed
from testbed.e2e.web import Site
from tools.stack import Platform

LIST = "/api/3.0/mlflow/workspaces"
SEARCH = "/api/2.0/mlflow/experiments/search"
# New ones for each run: Kubernetes takes its time to delete a namespace.
LABELLED, PLAIN = (f"e2e-{word}-{time.time_ns()}" for word in ("labelled", "plain"))
NOTICE_SECONDS = 30


@pytest.fixture(scope="module")
def token(platform: Platform) -> str:
    """The token of team A's programs."""
    team = platform.teams["team-a"]
    return kube.token(team.namespace, team.service_account, "--audience=mlflow")


@pytest.fixture(scope="module")
def by_hand(platform: Platform) -> Iterator[None]:
    """Two namespaces in which an administrator gives team A's programs rights; one has the workspace label."""
    document = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                _namespace(LABELLED, {"mlflow-enabled": "true"}),
                _namespace(PLAIN, {}),
                *(_binding(name, platform) for name in (LABELLED, PLAIN)),
            ],
        }
    )
    kube.kubectl("apply", "--filename=-", stdin=document)
    try:
        yield
    finally:
        kube.kubectl("delete", "namespace", LABELLED, PLAIN, "--ignore-not-found", "--wait=false")


def _namespace(name: str, labels: dict[str, str]) -> kube.Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _binding(namespace: str, platform: Platform) -> kube.Object:
    team = platform.teams["team-a"]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "mlflow-integration", "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "mlflow-integration"},
        "subjects": [{"kind": "ServiceAccount", "name": team.service_account, "namespace": team.namespace}],
    }


def _listed(site: Site, token: str) -> dict[str, str]:
    """Descriptions of the workspaces that a caller sees, by name."""
    answer = site.ask("GET", LIST, token=token)
    return {one["name"]: one.get("description", "") for one in answer.json()["workspaces"]}


def test_the_description_is_told_with_the_workspace(site: Site, token: str) -> None:
    assert _listed(site, token)["team-a"] == committed("teams")["team-a"]["description"]


@pytest.mark.usefixtures("by_hand")
def test_a_namespace_with_the_label_is_a_workspace_and_one_without_it_is_none(site: Site, token: str) -> None:
    wait_for("the labelled namespace is listed", lambda: LABELLED in _listed(site, token), seconds=NOTICE_SECONDS)
    assert PLAIN not in _listed(site, token)
    found = {
        name: site.ask("POST", SEARCH, token=token, workspace=name, document={"max_results": 1}).status
        for name in (LABELLED, PLAIN)
    }
    assert found[LABELLED] == 200
    assert found[PLAIN] in {403, 404}
