from typing import Any

import pulumi
import pytest

import components as c
from components.workspace import client_environment
from tests.components.parts import AUTHORITY, opened
from tests.harness import Recording, deploy

URL = "https://mlflow.example.com"
SERVER = {"app.kubernetes.io/name": "mlflow"}
TRAEFIK = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}


def make(team: str, **changes: Any) -> c.Workspace:  # noqa: ANN401 - arguments of the component
    arguments: dict[str, Any] = {
        "team": team,
        "description": "Recommendation models",
        "manager_groups": [f"{team}-mlflow-users"],
        "url": URL,
        "authority": None,
        "platform_namespace": "mlflow",
        "server_labels": SERVER,
        "controller_namespace": "traefik",
        "durable": False,
        **changes,
    }
    return c.Workspace(team, c.WorkspaceArgs(**arguments))


def workspace(team: str = "team-a", *, private: bool = False, **changes: Any) -> Recording:  # noqa: ANN401 - likewise
    def program() -> dict[str, object]:
        authority = pulumi.Output.from_input(AUTHORITY) if private else None
        made = make(team, authority=authority, **changes)
        return {"namespace": made.namespace, "account": made.service_account}

    return deploy(program)


def test_the_namespace_is_a_workspace_with_a_description() -> None:
    metadata = workspace()["team-a-namespace"].inputs["metadata"]
    assert metadata["name"] == "team-a"
    assert metadata["labels"]["mlflow-enabled"] == "true"
    assert metadata["annotations"] == {"mlflow.kubeflow.org/workspace-description": "Recommendation models"}


def test_the_namespace_refuses_pods_that_are_not_restricted() -> None:
    labels = workspace()["team-a-namespace"].inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_managers_may_do_everything_with_experiments_datasets_and_models() -> None:
    role = workspace()["team-a-manager-role"].inputs
    assert role["metadata"] == {"name": "mlflow-manager", "namespace": "team-a"}
    assert role["rules"] == [
        {
            "apiGroups": ["mlflow.kubeflow.org"],
            "resources": ["experiments", "datasets", "registeredmodels"],
            "verbs": ["get", "list", "create", "update", "delete"],
        }
    ]


def test_the_teams_groups_are_its_managers() -> None:
    binding = workspace(manager_groups=["team-a-mlflow-users", "data-platform"])["team-a-manager-binding"].inputs
    assert binding["metadata"]["namespace"] == "team-a"
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "mlflow-manager",
    }
    assert [(subject["kind"], subject["name"]) for subject in binding["subjects"]] == [
        ("Group", "team-a-mlflow-users"),
        ("Group", "data-platform"),
    ]


def test_managers_may_see_that_the_ai_gateway_is_empty_and_nothing_else_of_it() -> None:
    got = workspace(manager_groups=["team-a-mlflow-users"])
    assert got["team-a-gateway-role"].inputs["rules"] == [
        {"apiGroups": ["mlflow.kubeflow.org"], "resources": ["gatewayendpoints/use"], "verbs": ["create"]}
    ]
    subjects = got["team-a-gateway-binding"].inputs["subjects"]
    assert subjects == got["team-a-manager-binding"].inputs["subjects"]


def test_programs_record_and_read_and_leave_deleting_to_people() -> None:
    got = workspace()
    (rule,) = got["team-a-program-role"].inputs["rules"]
    assert rule["verbs"] == ["get", "list", "create", "update"]
    assert got["team-a-program-binding"].inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "mlflow-client", "namespace": "team-a"}
    ]
    assert got["team-a-account"].inputs["automountServiceAccountToken"] is False
    assert got.exports == {"namespace": "team-a", "account": "mlflow-client"}


def test_nothing_in_it_grants_a_right_beyond_its_own_namespace() -> None:
    got = workspace()
    assert got.of("ClusterRole") == got.of("ClusterRoleBinding") == []


def test_its_pods_reach_the_login_and_the_ingress_controller_and_nothing_else() -> None:
    policy = workspace()["team-a-network"]
    assert policy.inputs["spec"]["podSelector"].get("matchLabels", {}) == {}
    ingress, egress = opened(policy)
    assert ingress == []
    platform = {"matchLabels": {"kubernetes.io/metadata.name": "mlflow"}}
    assert [rule["to"] for rule in egress] == [
        [{"namespaceSelector": platform, "podSelector": {"matchLabels": SERVER}}],
        [TRAEFIK],
    ]
    assert [port["port"] for port in egress[0]["ports"]] == [4180]


def test_a_client_needs_nothing_but_the_ready_made_environment() -> None:
    assert workspace()["team-a-client"].inputs["data"] == {
        "MLFLOW_TRACKING_URI": URL,
        "MLFLOW_WORKSPACE": "team-a",
        "MLFLOW_TRACKING_AUTH": "kubernetes-namespaced",
    }


def test_a_private_authority_is_given_to_clients_and_they_are_told_where_it_is() -> None:
    got = workspace(private=True)
    assert got["team-a-authority"].inputs["data"] == {"ca.crt": AUTHORITY}
    assert got["team-a-client"].inputs["data"] == client_environment("team-a", URL, private_authority=True)


def test_clients_never_skip_the_verification_of_a_certificate() -> None:
    environment = client_environment("team-a", URL, private_authority=True)
    assert "MLFLOW_TRACKING_INSECURE_TLS" not in environment
    assert environment["MLFLOW_TRACKING_SERVER_CERT_PATH"] == environment["REQUESTS_CA_BUNDLE"]


@pytest.mark.parametrize("durable", [True, False])
def test_only_where_data_matter_is_its_deletion_refused(durable: bool) -> None:  # noqa: FBT001 - a case of the test
    protected = {found.name for found in workspace(durable=durable) if found.protect}
    assert protected == ({"team-a-namespace"} if durable else set())


def test_two_teams_share_nothing() -> None:
    def program() -> None:
        make("team-a")
        make("team-b")

    got = deploy(program)
    of_a = [found for found in got if "team-a" in (found.parent, found.name)]
    of_b = [found for found in got if "team-b" in (found.parent, found.name)]
    assert len(of_a) == len(of_b)
    assert len(of_a) + len(of_b) == len(got.resources)
    for found in of_a:
        assert not any("team-b" in name for name in found.dependencies)
        assert "team-b" not in str(found.inputs)


def test_a_team_has_the_same_resources_alone_and_among_others() -> None:
    alone = {found.urn: found.document for found in workspace() if found.custom}

    def program() -> None:
        make("team-0")
        make("team-a")

    among = {found.urn: found.document for found in deploy(program)}
    assert {urn: among[urn] for urn in alone} == alone
