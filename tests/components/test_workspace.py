import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.team.namespace import FIELD_MANAGER, OWNER, NamespaceSettings
from components.team.quota import ContainerDefaults, NamespaceQuota
from components.team.workspace import Workspace, WorkspaceArgs
from tests.components.parts import AUTHORITY, opened
from tests.harness import Recording, deploy

URL = "https://mlflow.example.com"
SERVER = {"app.kubernetes.io/name": "mlflow"}
QUOTA = NamespaceQuota(cpu="16", memory="64Gi", storage="200Gi", pods=100)
DEFAULTS = ContainerDefaults(cpu="1", memory="2Gi", cpu_request="100m", memory_request="256Mi")
TRAEFIK = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}


def make(team: str, **changes: Any) -> Workspace:  # noqa: ANN401 - arguments of the component
    arguments: dict[str, Any] = {
        "team": team,
        "description": "Recommendation models",
        "groups": {"manager": [f"{team}-mlflow-users"]},
        "integration_role": "mlflow-integration",
        "multi_tenant": True,
        "mount_tokens": True,
        "reviews_names": True,
        "url": URL,
        "authority": None,
        "platform_namespace": "mlflow",
        "server_labels": SERVER,
        "controller_namespace": "traefik",
        "quota": QUOTA,
        "container_defaults": DEFAULTS,
        "durable": False,
        "archived": False,
        **changes,
    }
    return Workspace(team, WorkspaceArgs(**arguments))


def workspace(team: str = "team-a", *, private: bool = False, **changes: Any) -> Recording:  # noqa: ANN401 - likewise
    def program() -> dict[str, object]:
        authority = pulumi.Output.from_input(AUTHORITY) if private else None
        component = make(team, authority=authority, **changes)
        return {"namespace": component.namespace, "account": component.service_account}

    return deploy(program)


def test_the_namespace_is_a_workspace_with_a_description() -> None:
    metadata = workspace()["team-a-namespace"].inputs["metadata"]
    assert metadata["name"] == "team-a"
    assert metadata["labels"]["mlflow-enabled"] == "true"
    assert metadata["annotations"] == {"mlflow.kubeflow.org/workspace-description": "Recommendation models"}


def test_an_existing_namespace_gets_the_labels_and_is_nobodys_to_delete() -> None:
    settings = NamespaceSettings(create=False, owner="mlflow", labels={"owner": "a"}, annotations={"note": "b"})
    got = workspace(namespace=settings, durable=True)
    patch, created = got["team-a-namespace"], workspace()["team-a-namespace"].inputs["metadata"]
    assert (patch.kind, patch.protect, patch.retain) == ("NamespacePatch", False, False)
    assert got.of("Namespace") == []
    metadata = patch.inputs["metadata"]
    part_of = {"app.kubernetes.io/part-of": "mlflow-platform"}
    assert {**metadata["labels"], **part_of} == {**created["labels"], "owner": "a", OWNER: "mlflow"}
    manager = {FIELD_MANAGER: "pulumi-kubernetes-mlflow-platform-mlflow"}
    assert metadata["annotations"] == {**created["annotations"], "note": "b", **manager}
    # Whatever is created in it waits for its labels.
    for one in got:
        if one.inputs.get("metadata", {}).get("namespace") == "team-a":
            assert "team-a-namespace" in one.dependencies, one.name


def test_an_existing_namespace_needs_an_owner() -> None:
    """Platforms with one field manager would take away each other's labels."""
    with pytest.raises(ValueError, match="needs the name of its owner"):
        NamespaceSettings(create=False)


def test_the_platforms_labels_and_annotations_of_a_namespace_win() -> None:
    mine = {"mlflow-enabled": "false", "pod-security.kubernetes.io/enforce": "privileged"}
    description = {"mlflow.kubeflow.org/workspace-description": "another"}
    settings = NamespaceSettings(labels=mine, annotations=description)
    assert workspace(namespace=settings)["team-a-namespace"].document == workspace()["team-a-namespace"].document


def test_the_namespace_refuses_pods_that_are_not_restricted() -> None:
    labels = workspace()["team-a-namespace"].inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        ("viewer", ["get", "list"]),
        ("editor", ["get", "list", "create", "update"]),
        ("manager", ["get", "list", "create", "update", "delete"]),
    ],
)
def test_each_role_is_there_with_its_verbs_whether_it_has_members_or_not(role: str, verbs: list[str]) -> None:
    inputs = workspace()[f"team-a-{role}-role"].inputs
    assert inputs["metadata"] == {"name": f"mlflow-{role}", "namespace": "team-a"}
    assert inputs["rules"] == [
        {
            "apiGroups": ["mlflow.kubeflow.org"],
            "resources": ["experiments", "datasets", "registeredmodels"],
            "verbs": verbs,
        }
    ]


def test_every_group_is_bound_to_its_role() -> None:
    groups = {"viewer": ["auditors"], "editor": ["interns"], "manager": ["team-a-mlflow-users", "data-platform"]}
    got = workspace(groups=groups)
    for role, members in groups.items():
        binding = got[f"team-a-{role}-binding"].inputs
        assert binding["metadata"] == {"name": f"mlflow-{role}", "namespace": "team-a"}
        assert binding["roleRef"] == {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "Role",
            "name": f"mlflow-{role}",
        }
        assert [(subject["kind"], subject["name"]) for subject in binding["subjects"]] == [
            ("Group", member) for member in members
        ]


def test_a_role_without_members_has_no_binding() -> None:
    bindings = {
        resource.name for resource in workspace(groups={"viewer": ["auditors"], "manager": []}).of("RoleBinding")
    }
    assert bindings == {"team-a-viewer-binding", "team-a-gateway-binding", "team-a-program-binding"}


def test_members_may_list_the_empty_ai_gateway_and_nothing_else_of_it() -> None:
    got = workspace(groups={"viewer": ["auditors"], "editor": ["interns"], "manager": ["team-a-mlflow-users"]})
    assert got["team-a-gateway-role"].inputs["rules"] == [
        {"apiGroups": ["mlflow.kubeflow.org"], "resources": ["gatewayendpoints/use"], "verbs": ["create"]}
    ]
    subjects = [subject["name"] for subject in got["team-a-gateway-binding"].inputs["subjects"]]
    assert subjects == ["auditors", "interns", "team-a-mlflow-users"]


def test_programs_are_bound_to_the_platforms_role_in_their_own_namespace() -> None:
    got = workspace(integration_role="programs")
    binding = got["team-a-program-binding"].inputs
    assert binding["metadata"] == {"name": "mlflow-integration", "namespace": "team-a"}
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "programs",
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "mlflow-client", "namespace": "team-a"}]
    assert got.exports == {"namespace": "team-a", "account": "mlflow-client"}


def test_further_service_accounts_have_the_rights_of_programs_wherever_they_are() -> None:
    got = workspace(service_accounts=[("team-a", "airflow"), ("jupyter", "team-a-notebooks")])
    assert got["team-a-program-binding"].inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "mlflow-client", "namespace": "team-a"},
        {"kind": "ServiceAccount", "name": "airflow", "namespace": "team-a"},
        {"kind": "ServiceAccount", "name": "team-a-notebooks", "namespace": "jupyter"},
    ]
    # The other service accounts are created elsewhere, for notebooks and pipelines.
    assert [account.name for account in got.of("ServiceAccount")] == ["team-a-account"]


def test_log_only_service_accounts_write_runs_and_read_the_rest() -> None:
    got = workspace(logging_accounts=[("team-a", "tasks"), ("airflow", "worker")])
    assert [(one["resources"], one["verbs"]) for one in got["team-a-logger-role"].inputs["rules"]] == [
        (["experiments"], ["get", "list", "create", "update"]),
        (["datasets"], ["get", "list"]),
        (["registeredmodels"], ["get", "list"]),
    ]
    binding = got["team-a-logger-binding"].inputs
    assert binding["roleRef"]["name"] == binding["metadata"]["name"] == "mlflow-logger"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "tasks", "namespace": "team-a"},
        {"kind": "ServiceAccount", "name": "worker", "namespace": "airflow"},
    ]
    assert json.loads(got["team-a-identities"].inputs["data"]["identities.json"])["namespaces"] == ["airflow", "team-a"]


def test_a_team_without_log_only_service_accounts_has_no_role_for_them() -> None:
    assert "team-a-logger-role" not in [one.name for one in workspace()]


def test_another_label_makes_the_namespace_a_workspace() -> None:
    labels = workspace(labels={"example.com/mlflow": "yes"})["team-a-namespace"].inputs["metadata"]["labels"]
    assert labels["example.com/mlflow"] == "yes"
    assert "mlflow-enabled" not in labels


@pytest.mark.parametrize("mounted", [True, False])
def test_pods_mount_the_default_token_only_where_the_login_accepts_it(mounted: bool) -> None:  # noqa: FBT001 - a case of the test
    account = workspace(mount_tokens=mounted)["team-a-account"]
    assert account.inputs["automountServiceAccountToken"] is mounted


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


def test_its_pods_reach_a_load_balancer_and_the_api_server_at_configured_addresses() -> None:
    got = workspace(ingress_addresses=["192.0.2.0/28"], api_server=["10.0.0.1/32", "10.0.0.2/32"])
    _, egress = opened(got["team-a-network"])
    assert egress[2:] == [
        {"to": [{"ipBlock": {"cidr": "192.0.2.0/28"}}], "ports": [{"protocol": "TCP", "port": 443}]},
        {
            "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}, {"ipBlock": {"cidr": "10.0.0.2/32"}}],
            "ports": [{"protocol": "TCP", "port": port} for port in (443, 6443, 8443)],
        },
    ]


@pytest.mark.parametrize("private", [True, False])
def test_a_client_needs_nothing_but_the_ready_made_environment(private: bool) -> None:  # noqa: FBT001 - a case of the test
    """No variable is the path of a file, which a pod would have to mount."""
    assert workspace(private=private)["team-a-client"].inputs["data"] == {
        "MLFLOW_TRACKING_URI": URL,
        "MLFLOW_WORKSPACE": "team-a",
        "MLFLOW_TRACKING_AUTH": "kubernetes-namespaced",
    }


def test_clients_get_a_private_ca_certificate_for_https() -> None:
    assert workspace(private=True)["team-a-authority"].inputs["data"] == {"ca.crt": AUTHORITY}
    assert "team-a-authority" not in {resource.name for resource in workspace().of("ConfigMap")}


def test_gpus_are_limited_only_if_there_is_a_limit() -> None:
    for gpus, hard in ((None, None), (0, "0"), (4, "4")):
        quota = workspace(quota=replace(QUOTA, gpus=gpus))["team-a-quota"].inputs["spec"]["hard"]
        assert quota.get("requests.nvidia.com/gpu") == hard


def test_a_team_is_limited_to_its_quota_without_node_ports_and_load_balancers() -> None:
    quota = workspace()["team-a-quota"].inputs
    assert quota["metadata"] == {"name": "team-quota", "namespace": "team-a"}
    assert quota["spec"]["hard"] == {
        "limits.cpu": "16",
        "limits.memory": "64Gi",
        "requests.storage": "200Gi",
        "pods": "100",
        "services.nodeports": "0",
        "services.loadbalancers": "0",
    }


def test_a_container_without_limits_gets_the_default_ones() -> None:
    got = workspace()
    (item,) = got["team-a-limits"].inputs["spec"]["limits"]
    assert item == {
        "type": "Container",
        "default": {"cpu": "1", "memory": "2Gi"},
        "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
    }
    counted = {key.removeprefix("limits.") for key in got["team-a-quota"].inputs["spec"]["hard"] if "limits." in key}
    assert counted == item["default"].keys()


@pytest.mark.parametrize(("durable", "archived"), [(True, False), (True, True), (False, False), (False, True)])
def test_only_a_durable_team_that_is_not_archived_is_protected(
    durable: bool,  # noqa: FBT001 - a case of the test
    archived: bool,  # noqa: FBT001 - likewise
) -> None:
    got = workspace(durable=durable, archived=archived)
    kept = {"team-a-namespace"} if durable and not archived else set[str]()
    assert {resource.name for resource in got if resource.protect} == kept
    assert {resource.name for resource in got if resource.retain} == kept


def test_an_archived_team_allows_no_pods_and_programs_have_no_rights() -> None:
    groups = {"viewer": ["team-a-mlflow-users"]}
    working, archived = workspace(groups=groups), workspace(groups=groups, archived=True)
    assert archived["team-a-quota"].inputs["spec"]["hard"]["pods"] == "0"
    subjects = [subject["kind"] for resource in archived.of("RoleBinding") for subject in resource.inputs["subjects"]]
    assert set(subjects) == {"Group"}
    assert {resource.name for resource in working} - {resource.name for resource in archived} == {
        "team-a-program-binding"
    }


def test_an_archived_team_is_still_a_workspace_and_labelled_as_archived() -> None:
    labels = workspace(archived=True)["team-a-namespace"].inputs["metadata"]["labels"]
    assert (labels["mlflow-enabled"], labels["mlflow-platform/archived"]) == ("true", "true")
    assert "mlflow-platform/archived" not in workspace()["team-a-namespace"].inputs["metadata"]["labels"]


def test_two_teams_share_nothing() -> None:
    def program() -> None:
        make("team-a")
        make("team-b")

    got = deploy(program)
    of_a = [resource for resource in got if "team-a" in (resource.parent, resource.name)]
    of_b = [resource for resource in got if "team-b" in (resource.parent, resource.name)]
    assert len(of_a) == len(of_b)
    assert len(of_a) + len(of_b) == len(got.resources)
    for resource in of_a:
        assert not any("team-b" in name for name in resource.dependencies)
        assert "team-b" not in str(resource.inputs)


def test_a_team_has_the_same_resources_alone_and_among_others() -> None:
    alone = {resource.urn: resource.document for resource in workspace() if resource.custom}

    def program() -> None:
        make("team-0")
        make("team-a")

    among = {resource.urn: resource.document for resource in deploy(program)}
    assert {urn: among[urn] for urn in alone} == alone


def test_users_without_groups_are_bound_by_name() -> None:
    got = workspace(users={"manager": ["erin@example.com"], "viewer": []})
    for role in ("manager", "gateway"):
        subjects = got[f"team-a-{role}-binding"].inputs["subjects"]
        assert [(one["kind"], one["name"]) for one in subjects] == [
            ("Group", "team-a-mlflow-users"),
            ("User", "erin@example.com"),
        ]


def test_programs_of_an_mlflow_without_workspaces_name_none() -> None:
    assert workspace(multi_tenant=False)["team-a-client"].inputs["data"] == {
        "MLFLOW_TRACKING_URI": URL,
        "MLFLOW_TRACKING_AUTH": "kubernetes",
    }


def test_the_server_is_told_whom_the_team_names() -> None:
    got = workspace(
        groups={"manager": ["leads"], "viewer": ["interns", "leads"], "editor": []},
        users={"manager": ["alice@example.com"]},
        service_accounts=[("airflow", "worker")],
    )
    config_map = got["team-a-identities"]
    metadata = config_map.inputs["metadata"]
    # Where teams write nothing. Pulumi names it, so that a change makes a new one before it deletes the old one.
    assert metadata["namespace"] == "mlflow"
    assert "name" not in metadata
    assert metadata["labels"] == {"mlflow-platform/identities": "true"}
    assert json.loads(config_map.inputs["data"]["identities.json"]) == {
        "groups": ["interns", "leads"],
        "users": ["alice@example.com"],
        "namespaces": ["airflow", "team-a"],
        "everybody": False,
    }


def test_where_kubernetes_own_roles_give_access_everybody_counts() -> None:
    content = workspace(aggregated=True)["team-a-identities"].inputs["data"]["identities.json"]
    assert json.loads(content)["everybody"] is True


def test_where_kubernetes_itself_reads_the_callers_token_there_is_no_list() -> None:
    assert not [one for one in workspace(reviews_names=False).resources if one.name == "team-a-identities"]
