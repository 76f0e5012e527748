import pytest

from components.team.cluster_roles import ClusterRoles, ClusterRolesArgs
from components.team.permissions import VERBS
from tests.harness import Recording, deploy

KUBERNETES = {"mlflow-view": "viewer", "mlflow-edit": "editor", "mlflow-admin": "manager"}


def roles(*, aggregate: bool) -> Recording:
    def program() -> dict[str, object]:
        component = ClusterRoles("cluster-roles", ClusterRolesArgs(aggregate=aggregate))
        return {"integration": component.integration}

    return deploy(program)


def test_programs_log_and_read_but_do_not_delete() -> None:
    got = roles(aggregate=False)
    assert [resource.name for resource in got.of("ClusterRole")] == ["cluster-roles-integration"]
    role = got.one("ClusterRole").inputs
    assert role["metadata"]["name"] == got.exports["integration"] == "mlflow-integration"
    assert role["rules"] == [
        {
            "apiGroups": ["mlflow.kubeflow.org"],
            "resources": ["experiments", "datasets", "registeredmodels"],
            "verbs": ["get", "list", "create", "update"],
        }
    ]


@pytest.mark.parametrize("aggregate", [False, True])
def test_no_cluster_role_binding_is_created(aggregate: bool) -> None:  # noqa: FBT001 - a case of the test
    got = roles(aggregate=aggregate)
    assert got.of("ClusterRoleBinding") == got.of("RoleBinding") == []


def test_roles_aggregate_to_kubernetes_own_roles_only_by_choice() -> None:
    roles_by_name = {one.inputs["metadata"]["name"]: one.inputs for one in roles(aggregate=True).of("ClusterRole")}
    assert roles_by_name.keys() == {"mlflow-integration", *KUBERNETES}
    for name, role in KUBERNETES.items():
        joins = f"rbac.authorization.k8s.io/aggregate-to-{name.removeprefix('mlflow-')}"
        labels = roles_by_name[name]["metadata"]["labels"]
        assert {label: value for label, value in labels.items() if "aggregate" in label} == {joins: "true"}
        assert [rule["verbs"] for rule in roles_by_name[name]["rules"]] == [list(VERBS[role])]
