"""Permissions of a team's viewer, editor and manager in MLflow.

Service accounts stand for people here: they are bound to the team's Roles by hand, as an administrator lends a right.
"""

import json
import time
from collections.abc import Iterator

import pytest

from components.team.permissions import API_GROUP, RESOURCES, VERBS
from testbed.e2e import kube
from testbed.e2e.web import Answer, Site

TEAM = "team-a"
# What each role of the table is bound to; somebody without a role stands beside them.
NOBODY = "nobody"
PEOPLE = (*VERBS, NOBODY)

EXPERIMENTS = "/api/2.0/mlflow/experiments"
MODELS = "/api/2.0/mlflow/registered-models"


@pytest.fixture(scope="module")
def tokens() -> Iterator[dict[str, str]]:
    """A token for each role."""
    made = [_account(role) for role in PEOPLE] + [_binding(role) for role in VERBS]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    kube.kubectl("apply", "--filename=-", stdin=document)
    try:
        yield {role: kube.token(TEAM, f"e2e-{role}", "--audience=mlflow") for role in PEOPLE}
    finally:
        kube.kubectl("delete", "--filename=-", "--ignore-not-found", stdin=document)


def _account(role: str) -> kube.Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": f"e2e-{role}", "namespace": TEAM}}


def _binding(role: str) -> kube.Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"e2e-{role}", "namespace": TEAM},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"mlflow-{role}"},
        "subjects": [{"kind": "ServiceAccount", "name": f"e2e-{role}", "namespace": TEAM}],
    }


@pytest.fixture(scope="module")
def experiment(site: Site, tokens: dict[str, str]) -> str:
    """An experiment of a manager."""
    made = _post(site, tokens["manager"], f"{EXPERIMENTS}/create", {"name": f"roles-{time.time_ns()}"})
    assert made.status == 200, made
    return made.json()["experiment_id"]


def _post(site: Site, token: str, path: str, document: object) -> Answer:
    return site.ask("POST", path, token=token, workspace=TEAM, document=document)


@pytest.mark.parametrize("role", PEOPLE)
def test_kubernetes_itself_answers_for_each_role_as_the_table_says(tokens: dict[str, str], role: str) -> None:
    assert tokens
    expected = {f"{resource}.{API_GROUP}": set(VERBS[role]) for resource in RESOURCES} if role in VERBS else {}
    assert _rights(role, TEAM) == expected
    assert _rights(role, "team-b") == {}


def _rights(role: str, namespace: str) -> dict[str, set[str]]:
    """Verbs that Kubernetes lists for a role's account, by resource of MLflow."""
    account = f"--as=system:serviceaccount:{TEAM}:e2e-{role}"
    listed = kube.kubectl("auth", "can-i", "--list", f"--namespace={namespace}", account, "--no-headers").stdout
    rows = [line for line in listed.splitlines() if API_GROUP in line]
    return {row.split()[0]: set(row.rpartition("[")[2].rstrip("] ").split()) for row in rows}


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), ("editor", 200), ("manager", 200), (NOBODY, 403)])
def test_every_role_reads(site: Site, tokens: dict[str, str], experiment: str, role: str, status: int) -> None:
    path = f"{EXPERIMENTS}/get?experiment_id={experiment}"
    assert site.ask("GET", path, token=tokens[role], workspace=TEAM).status == status


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 200), ("manager", 200), (NOBODY, 403)])
def test_editors_and_managers_create_and_change(
    site: Site, tokens: dict[str, str], experiment: str, role: str, status: int
) -> None:
    name = f"roles-{role}-{time.time_ns()}"
    assert _post(site, tokens[role], f"{EXPERIMENTS}/create", {"name": name}).status == status
    assert _post(site, tokens[role], f"{MODELS}/create", {"name": name}).status == status
    tag = {"experiment_id": experiment, "key": "changed-by", "value": role}
    assert _post(site, tokens[role], f"{EXPERIMENTS}/set-experiment-tag", tag).status == status


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), (NOBODY, 403), ("manager", 200)])
def test_only_managers_delete(site: Site, tokens: dict[str, str], experiment: str, role: str, status: int) -> None:
    assert _post(site, tokens[role], f"{EXPERIMENTS}/delete", {"experiment_id": experiment}).status == status
