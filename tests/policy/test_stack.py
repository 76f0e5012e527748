from typing import Any

import pytest

from tests.policy.judge import UNKNOWN, Asked, changed, stack_violations, violations

ENFORCE = "pod-security.kubernetes.io/enforce"
VERSION = "pod-security.kubernetes.io/enforce-version"
DATA_NAMESPACE = "kubernetes:core/v1:Namespace"
DATA = ["core/v1:Namespace", "core/v1:PersistentVolumeClaim", "core/v1:PersistentVolume", "apps/v1:StatefulSet"]


def of_namespace(labels: object) -> list[str]:
    asked = Asked(type="kubernetes:core/v1:Namespace", inputs={"metadata": {"name": "team-a", "labels": labels}})
    return violations("namespaces-are-restricted", asked)


@pytest.mark.parametrize(
    "labels", [{ENFORCE: "restricted"}, {ENFORCE: "restricted", VERSION: "latest"}, {ENFORCE: UNKNOWN}, UNKNOWN]
)
def test_a_namespace_that_enforces_the_restricted_level_is_admitted(labels: object) -> None:
    assert of_namespace(labels) == []


@pytest.mark.parametrize(
    "labels",
    [{}, {ENFORCE: "baseline"}, {ENFORCE: "privileged"}, {"pod-security.kubernetes.io/warn": "restricted"}],
)
def test_a_namespace_that_admits_other_pods_is_a_violation(labels: dict[str, str]) -> None:
    assert of_namespace(labels) == [f"label {ENFORCE} must be `restricted`, found `{labels.get(ENFORCE, '')}`"]


def test_a_level_of_an_old_version_is_a_violation() -> None:
    assert len(of_namespace({ENFORCE: "restricted", VERSION: "v1.24"})) == 1


def test_an_existing_namespace_that_the_platform_labels_is_judged_like_one_that_it_creates() -> None:
    kind, component = "kubernetes:core/v1:NamespacePatch", "mlflow-platform:index:Workspace$"
    patch = {"metadata": {"name": "team-a", "labels": {"team": "a"}}}
    ours, foreign = (Asked(type=kind, inputs=patch, parents=parents) for parents in (component, ""))
    assert violations("namespaces-are-restricted", ours) == [f"label {ENFORCE} must be `restricted`, found ``"]
    assert violations("namespaces-are-restricted", foreign) == []
    for rule in ("namespaces-are-bounded", "namespaces-are-closed"):
        assert stack_violations(rule, [ours])
        assert stack_violations(rule, [foreign]) == []
    # Deleting the patch deletes nothing.
    assert violations("data-is-protected", ours) == []


QUOTA: dict[str, Any] = {
    "metadata": {"namespace": "team-a"},
    "spec": {"hard": {"limits.cpu": "4", "limits.memory": "8Gi"}},
}


def with_quota(
    inputs: dict[str, Any], parents: str = "mlflow-platform:index:Workspace$", **config: object
) -> list[str]:
    namespace = Asked(type=DATA_NAMESPACE, inputs={"metadata": {"name": "team-a"}}, parents=parents)
    quota = Asked(type="kubernetes:core/v1:ResourceQuota", inputs=inputs)
    return stack_violations("namespaces-are-bounded", [namespace, quota], config)


def test_a_namespace_with_a_quota_is_admitted() -> None:
    assert with_quota(QUOTA) == []
    assert with_quota({}, bounds=[]) == []


@pytest.mark.parametrize(
    ("path", "value", "missing"),
    [
        ("metadata.namespace", "team-b", "limits.cpu, limits.memory"),
        ("spec.hard", {}, "limits.cpu, limits.memory"),
        ("spec.hard", {"limits.cpu": "4", "pods": "10"}, "limits.memory"),
        ("spec.scopes", ["Terminating"], "limits.cpu, limits.memory"),
        ("spec.scopeSelector", {"matchExpressions": []}, "limits.cpu, limits.memory"),
    ],
)
def test_a_namespace_that_nothing_bounds_is_a_violation(path: str, value: object, missing: str) -> None:
    assert with_quota(changed(QUOTA, path, value)) == [
        f"namespace team-a has no ResourceQuota for {bound}: add one that has it in spec.hard"
        for bound in missing.split(", ")
    ]


def test_which_bounds_a_quota_needs_is_a_matter_of_configuration() -> None:
    assert len(with_quota(QUOTA, bounds=["pods"])) == 1


@pytest.mark.parametrize("path", ["metadata", "metadata.namespace", "spec", "spec.hard"])
def test_a_quota_that_is_not_decided_yet_counts(path: str) -> None:
    assert with_quota(changed(QUOTA, path, UNKNOWN)) == []


def test_a_quota_of_an_undecided_namespace_counts_for_one_and_not_for_all() -> None:
    namespaces = [
        Asked(type=DATA_NAMESPACE, inputs={"metadata": {"name": name}}, name=name) for name in ("team-a", "team-b")
    ]
    quota = Asked(type="kubernetes:core/v1:ResourceQuota", inputs=changed(QUOTA, "metadata.namespace", UNKNOWN))
    assert len(stack_violations("namespaces-are-bounded", [*namespaces, quota], {"bounds": ["limits.cpu"]})) == 1
    assert stack_violations("namespaces-are-bounded", [*namespaces, quota, quota]) == []


def test_the_namespace_of_the_platforms_own_pods_needs_no_quota() -> None:
    assert with_quota({}, parents="mlflow-platform:index:PlatformNamespace$") == []
    assert len(with_quota({}, parents="", bounds=["pods"])) == 1


@pytest.mark.parametrize("kind", DATA)
def test_what_holds_data_and_can_be_deleted_is_a_violation(kind: str) -> None:
    asked = Asked(type=f"kubernetes:{kind}", inputs={}, stack="prod")
    name = kind.rpartition(":")[2]
    assert violations("data-is-protected", asked) == [
        f"a {name} in stack prod must be protected from deletion: pass protect=True"
    ]


@pytest.mark.parametrize("kind", DATA)
def test_what_holds_data_and_is_protected_is_none(kind: str) -> None:
    assert violations("data-is-protected", Asked(type=f"kubernetes:{kind}", inputs={}, protect=True)) == []


@pytest.mark.parametrize(
    ("profile", "judged"), [("evaluation", False), ("small", True), ("production", True), ("", True)]
)
def test_the_data_of_an_evaluation_need_no_protection(profile: str, judged: bool) -> None:  # noqa: FBT001 - a case
    asked = Asked(type="kubernetes:core/v1:Namespace", inputs={}, stack="anything", profile=profile)
    assert bool(violations("data-is-protected", asked)) == judged
    assert violations("data-is-protected", asked, {"disposableProfiles": []})


def test_no_stack_is_thrown_away_for_its_name_alone() -> None:
    assert violations("data-is-protected", Asked(type="kubernetes:core/v1:Namespace", inputs={}, stack="dev"))


@pytest.mark.parametrize(("archived", "judged"), [("true", False), ("false", True), (None, True)])
def test_the_namespace_of_an_archived_team_may_go(archived: str | None, judged: bool) -> None:  # noqa: FBT001 - a case
    labels = {} if archived is None else {"mlflow-platform/archived": archived}
    asked = Asked(type="kubernetes:core/v1:Namespace", inputs={"metadata": {"labels": labels}})
    assert bool(violations("data-is-protected", asked)) == judged


def test_no_other_data_go_because_of_a_label() -> None:
    labels = {"metadata": {"labels": {"mlflow-platform/archived": "true"}}}
    assert violations("data-is-protected", Asked(type="kubernetes:apps/v1:StatefulSet", inputs=labels))


def test_which_stacks_may_be_thrown_away_is_a_matter_of_configuration() -> None:
    config: dict[str, Any] = {"disposableStacks": ["preview-17"]}
    kind = "kubernetes:core/v1:Namespace"
    assert violations("data-is-protected", Asked(type=kind, inputs={}, stack="preview-17"), config) == []
    assert violations("data-is-protected", Asked(type=kind, inputs={}, stack="dev"), config)


def test_what_holds_no_data_needs_no_protection() -> None:
    assert violations("data-is-protected", Asked(type="kubernetes:apps/v1:Deployment", inputs={})) == []


@pytest.mark.parametrize("provider", ["default", "default_4_34_2"])
def test_a_resource_of_a_default_provider_is_a_violation(provider: str) -> None:
    asked = Asked(type="random:index/randomPassword:RandomPassword", inputs={}, provider=provider)
    assert len(violations("providers-are-explicit", asked)) == 1


@pytest.mark.parametrize("provider", ["cluster", None])
def test_a_resource_that_was_given_its_provider_or_needs_none_is_none(provider: str | None) -> None:
    asked = Asked(type="mlflow-platform:index:Workspace", inputs={}, provider=provider)
    assert violations("providers-are-explicit", asked) == []
