import components as c
from tests.harness import Recording, deploy

NAMESPACE = "team-a"


def members(**users: tuple[str, ...]) -> Recording:
    def program() -> None:
        by_role = {role.replace("_", "-"): people for role, people in users.items()}
        c.Members("team-a-members", c.MembersArgs(namespace=NAMESPACE, users=by_role))

    return deploy(program)


def test_users_are_bound_one_by_one_to_their_role() -> None:
    binding = members(mlflow_manager=("erin@example.com", "dora@example.com"))["team-a-members-mlflow-manager"].inputs
    assert binding["metadata"] == {"namespace": NAMESPACE, "name": "mlflow-manager-members"}
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "mlflow-manager"}
    assert [(one["kind"], one["name"]) for one in binding["subjects"]] == [
        ("User", "dora@example.com"),
        ("User", "erin@example.com"),
    ]


def test_a_role_without_members_has_no_binding() -> None:
    got = members(mlflow_viewer=(), mlflow_editor=("erin@example.com",))
    assert [one.name for one in got.of("RoleBinding")] == ["team-a-members-mlflow-editor"]
