from typing import Any

import pytest

from tests.policy.examples import POD, deployment
from tests.policy.judge import UNKNOWN, Asked, changed, stack_violations

SPREAD = [{"topologyKey": "kubernetes.io/hostname"}]
LABELS = {"app": "server"}
SEVERAL: dict[str, Any] = {
    "metadata": {"namespace": "mlflow"},
    "spec": {"replicas": 2, "template": {"metadata": {"labels": LABELS}, "spec": POD}},
}


def budget(spec: dict[str, Any], namespace: str = "mlflow") -> Asked:
    inputs = {"metadata": {"namespace": namespace}, "spec": {"selector": {"matchLabels": LABELS}, **spec}}
    return Asked(type="kubernetes:policy/v1:PodDisruptionBudget", inputs=inputs)


def spread(*asked: Asked) -> list[str]:
    return stack_violations("replicas-are-spread", asked)


def autoscaler(target: str, most: int = 4) -> Asked:
    spec = {"maxReplicas": most, "scaleTargetRef": {"kind": "Deployment", "name": target}}
    inputs = {"metadata": {"namespace": "mlflow"}, "spec": spec}
    return Asked(type="kubernetes:autoscaling/v2:HorizontalPodAutoscaler", inputs=inputs)


def drained(*asked: Asked) -> list[str]:
    return stack_violations("replicas-survive-a-drain", asked)


def test_several_replicas_that_nothing_spreads_are_a_violation() -> None:
    assert len(spread(deployment(SEVERAL))) == 1
    assert spread(deployment(changed(SEVERAL, "spec.template.spec.topologySpreadConstraints", SPREAD))) == []


@pytest.mark.parametrize("replicas", [1, None, UNKNOWN])
def test_what_has_one_replica_or_may_have_needs_neither(replicas: object) -> None:
    one = deployment(changed(SEVERAL, "spec.replicas", replicas))
    assert spread(one) == []
    assert drained(one) == []


def test_what_an_autoscaler_adds_to_is_several() -> None:
    scaled = changed(SEVERAL, "spec.replicas", None)
    scaled["metadata"]["name"] = "mlflow"
    assert len(spread(deployment(scaled), autoscaler("mlflow"))) == 1
    assert len(drained(deployment(scaled), autoscaler("mlflow"))) == 1
    assert drained(deployment(scaled), autoscaler("another")) == []
    assert drained(deployment(scaled), autoscaler("mlflow", most=1)) == []


def test_several_replicas_without_a_budget_are_a_violation() -> None:
    assert len(drained(deployment(SEVERAL))) == 1
    assert drained(deployment(SEVERAL), budget({"maxUnavailable": 1})) == []


def test_the_budget_of_other_pods_is_none() -> None:
    assert len(drained(deployment(SEVERAL), budget({"maxUnavailable": 1}, namespace="other"))) == 1
    others = budget({"maxUnavailable": 1, "selector": {"matchLabels": {"app": "other"}}})
    assert len(drained(deployment(SEVERAL), others)) == 1


@pytest.mark.parametrize("spec", [{"maxUnavailable": 0}, {"maxUnavailable": "0%"}, {"minAvailable": "100%"}])
def test_a_budget_that_lets_no_pod_go_is_a_violation(spec: dict[str, Any]) -> None:
    (found,) = drained(budget(spec))
    assert "nodes cannot be drained" in found
