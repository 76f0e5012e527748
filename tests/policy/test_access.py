from typing import Any

import pytest

from tests.policy.judge import UNKNOWN, Asked, changed, violations

RULE: dict[str, Any] = {
    "apiGroups": ["mlflow.kubeflow.org"],
    "resources": ["experiments", "datasets"],
    "verbs": ["get", "list", "create"],
}
DISCOVERY = "system:service-account-issuer-discovery"


def in_role(rule: dict[str, Any], kind: str = "Role") -> list[str]:
    role = Asked(type=f"kubernetes:rbac.authorization.k8s.io/v1:{kind}", inputs={"rules": [rule]})
    return violations("roles-are-narrow", role)


def in_binding(kind: str, name: str, role: str = "mlflow-manager", binding: str = "RoleBinding") -> list[str]:
    inputs = {"roleRef": {"kind": "Role", "name": role}, "subjects": [{"kind": kind, "name": name}]}
    asked = Asked(type=f"kubernetes:rbac.authorization.k8s.io/v1:{binding}", inputs=inputs)
    return violations("bindings-name-their-subjects", asked)


@pytest.mark.parametrize("kind", ["Role", "ClusterRole"])
def test_a_role_that_lists_what_it_allows_is_admitted(kind: str) -> None:
    assert in_role(RULE, kind) == []


@pytest.mark.parametrize("field", ["apiGroups", "resources", "verbs", "nonResourceURLs"])
@pytest.mark.parametrize("kind", ["Role", "ClusterRole"])
def test_a_wildcard_in_a_role_is_a_violation(kind: str, field: str) -> None:
    assert in_role(changed(RULE, field, ["*"]), kind) == [f"rules: {field} must not be `*`: list what is needed"]


@pytest.mark.parametrize("verb", ["bind", "escalate", "impersonate"])
def test_a_verb_that_leads_to_any_other_right_is_a_violation(verb: str) -> None:
    assert in_role(changed(RULE, "verbs", ["get", verb])) == [
        f"rules: the verb {verb} allows privilege escalation: remove it"
    ]


@pytest.mark.parametrize("resource", ["pods/exec", "serviceaccounts/token", "nodes/proxy"])
def test_a_resource_that_lets_one_act_as_somebody_else_is_a_violation(resource: str) -> None:
    assert in_role(changed(RULE, "resources", [resource])) == [
        f"rules: {resource} allows acting as another user or service account: remove it"
    ]


def test_reading_all_secrets_is_a_violation_and_reading_named_ones_is_none() -> None:
    everything = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
    assert in_role(everything) == ["rules: all Secrets can be read: list the needed ones in resourceNames"]
    assert in_role({**everything, "resourceNames": ["mlflow-artifact-connection"]}) == []
    assert in_role({**everything, "verbs": ["create"]}) == []


def test_changing_roles_is_a_violation_and_reading_them_is_none() -> None:
    roles = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["get", "list"]}
    assert in_role(roles) == []
    assert in_role({**roles, "verbs": ["list", "create"]}) == [
        "rules: create on rbac.authorization.k8s.io allows changing RBAC: remove it"
    ]


@pytest.mark.parametrize("path", ["verbs", "verbs.0", "resources", "apiGroups.0"])
def test_a_role_that_is_not_decided_yet_is_none(path: str) -> None:
    assert in_role(changed(RULE, path, UNKNOWN)) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Group", "system:authenticated"),
        ("Group", "system:unauthenticated"),
        ("Group", "system:masters"),
        ("Group", "system:serviceaccounts"),
        ("User", "system:anonymous"),
        ("User", "system:kube-controller-manager"),
    ],
)
@pytest.mark.parametrize("binding", ["RoleBinding", "ClusterRoleBinding"])
def test_a_binding_for_everybody_is_a_violation(binding: str, kind: str, name: str) -> None:
    assert in_binding(kind, name, binding=binding) == [
        f"subjects: {name} is not a specific subject: list specific groups, users or service accounts"
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Group", "team-a-mlflow-users"),
        ("Group", "system:serviceaccounts:team-a"),
        ("User", "alice@example.com"),
        ("User", "system:serviceaccount:team-a:trainer"),
        ("ServiceAccount", "mlflow-client"),
        ("Group", UNKNOWN),
        (UNKNOWN, "team-a"),
    ],
)
def test_a_binding_for_somebody_in_particular_is_none(kind: str, name: str) -> None:
    assert in_binding(kind, name) == []


def test_everybody_may_read_the_keys_that_verify_service_account_tokens() -> None:
    assert in_binding("Group", "system:unauthenticated", DISCOVERY, "ClusterRoleBinding") == []
    assert in_binding("Group", "system:masters", DISCOVERY, "ClusterRoleBinding")


@pytest.mark.parametrize("role", ["cluster-admin", "admin"])
def test_binding_a_role_that_allows_everything_is_a_violation(role: str) -> None:
    assert in_binding("User", "alice@example.com", role) == [
        f"roleRef: {role} allows everything: bind a role that allows only what is needed"
    ]
