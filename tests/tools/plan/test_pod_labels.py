"""Labels of pods that change: the plan names what selects the pods then, and what no longer does."""

from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_people import source
from tools.plan.plan import plan
from tools.plan.pod_labels import dependents, relabelled
from tools.plan.preview import Step
from tools.plan.selectors import WORKLOADS, selects

Object = dict[str, Any]
WEB, OTHER = {"app": "web"}, {"app": "other"}
EVERYWHERE: Object = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
LABELS = {
    "CronJob": "spec.jobTemplate.spec.template.metadata.labels.app",
    "InferenceService": "spec.predictor.labels.app",
    "Pod": "metadata.labels.app",
}


def workload(kind: str, labels: dict[str, str]) -> Object:
    template: Object = {"template": {"metadata": {"labels": labels}, "spec": {"containers": []}}}
    match kind:
        case "Pod":
            return {"metadata": {"name": "web", "namespace": "mlflow", "labels": labels}, "spec": {}}
        case "CronJob":
            return {"spec": {"jobTemplate": {"spec": template}}}
        case "InferenceService":
            return {"spec": {"predictor": {"labels": labels, "model": {}}}}
        case _:
            return {"spec": template}


def relabel(kind: str = "Deployment", before: Object = WEB, after: Object = OTHER, op: str = "update") -> Step:
    path = LABELS.get(kind, "spec.template.metadata.labels.app")
    return step(op, kind, "web", old=workload(kind, before), new=workload(kind, after), changed=(path,))


def same(kind: str, name: str, **fields: Any) -> Step:  # noqa: ANN401 - fields of an object
    return step("same", kind, name, old=fields, new=fields)


def policy(name: str, labels: Object, *egress: Object, **spec: Any) -> Step:  # noqa: ANN401 - fields of a spec
    selector = {"matchLabels": labels} if labels else {}
    return same(
        "NetworkPolicy", name, spec={"podSelector": selector, "policyTypes": ["Egress"], "egress": [*egress], **spec}
    )


def reasons(*steps: Step) -> list[str]:
    return plan("dev", preview(*steps), access=None, now=source(), past=source()).reasons


@pytest.mark.parametrize("op", ["update", "replace"])
@pytest.mark.parametrize("kind", sorted(WORKLOADS))
def test_pods_of_every_kind_of_workload_that_leave_their_policy_are_open(kind: str, op: str) -> None:
    made = relabel(kind, op=op)
    (lost, left) = relabelled([made, policy("closed", WEB)])
    assert lost.opens
    assert "and no NetworkPolicy with a default deny selects these: they may connect to everything" in lost.sentence
    assert left.closes
    assert "NetworkPolicy closed no longer holds for them" in left.sentence
    assert any("lose their default deny" in reason for reason in reasons(made, policy("closed", WEB)))


@pytest.mark.parametrize("kind", sorted(WORKLOADS))
def test_other_labels_of_pods_are_never_safe(kind: str) -> None:
    assert reasons(relabel(kind)) != []


def test_pods_that_another_policy_closes_stay_closed() -> None:
    found = relabelled([relabel(), policy("closed", WEB), policy("default-deny", {})])
    assert [each.opens for each in found] == [False]


def test_a_policy_that_holds_for_pods_by_their_new_labels_is_named_with_what_it_allows() -> None:
    (found,) = relabelled([relabel(), policy("default-deny", {}), policy("open", OTHER, EVERYWHERE)])
    assert found.opens
    assert "so that NetworkPolicy open holds for them too: it lets them connect to " in found.sentence


@pytest.mark.parametrize(
    "beside",
    [
        [],
        [policy("default-deny", {}, EVERYWHERE)],
        [policy("third", {"app": "third"}, EVERYWHERE)],
        [step("same", "NetworkPolicy", "a", new={**policy("a", WEB).new, "metadata": {"namespace": "b"}})],
    ],
    ids=["none", "for all pods", "for others", "of another namespace"],
)
def test_policies_that_select_the_pods_as_before_are_not_named(beside: list[Step]) -> None:
    assert relabelled([relabel(), *beside]) == []


def test_labels_that_stay_change_no_connection() -> None:
    assert relabelled([relabel(after=WEB), policy("closed", WEB)]) == []


@pytest.mark.parametrize(
    ("kind", "selector", "said"),
    [
        ("Service", WEB, "Service a no longer sends them requests"),
        ("Service", OTHER, "Service a now sends them requests"),
        ("Service", {}, ""),
        ("Service", {"app": "third"}, ""),
        ("PodDisruptionBudget", {"matchLabels": WEB}, "PodDisruptionBudget a no longer limits how many of them"),
        ("PodDisruptionBudget", {"matchLabels": OTHER}, "PodDisruptionBudget a now limits how many of them"),
    ],
)
def test_services_and_disruption_budgets_that_select_other_pods_are_named(
    kind: str, selector: Object, said: str
) -> None:
    selecting = same(kind, "a", spec={"selector": selector})
    found = dependents(relabel(), [selecting])
    assert [each.startswith(said) for each in found] == ([True] if said else [])
    expected = said or "no Service, PodDisruptionBudget or rule here is about them"
    (concern,) = plan("dev", preview(relabel(), selecting), access=None, now=source(), past=source()).concerns
    assert expected in concern.said
    assert concern.short == "gives its pods other labels"


def test_a_rule_that_admits_pods_by_their_labels_is_named() -> None:
    database = policy("database", {"app": "postgres"}, ingress=[{"from": [{"podSelector": {"matchLabels": OTHER}}]}])
    assert dependents(relabel(), [database]) == ["NetworkPolicy database now lets others connect with them"]
    back = relabel(before=OTHER, after=WEB)
    assert dependents(back, [database]) == ["NetworkPolicy database no longer lets others connect with them"]


@pytest.mark.parametrize(
    ("operator", "values", "selected"),
    [
        ("In", ["web"], True), ("In", ["other"], False),
        ("NotIn", ["web"], False), ("NotIn", ["other"], True),
        ("Exists", None, True), ("DoesNotExist", None, False),
    ],
)  # fmt: skip
def test_expressions_select_as_in_kubernetes(operator: str, values: list[str] | None, *, selected: bool) -> None:
    expression = {"key": "app", "operator": operator, "values": values}
    assert selects({"matchExpressions": [expression]}, WEB) == selected
