"""Rules that keep workloads with several replicas available while nodes are drained."""

from collections.abc import Iterator

from .node import Node
from .pods import pod_of
from .resource import Resource

SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})
# Values with which a budget allows no eviction at all.
NONE_UNAVAILABLE = (0, "0%")
ALL_AVAILABLE = ("100%",)


def spread_out(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Workloads with several replicas spread them over nodes."""
    for workload in _several(resources):
        pod = pod_of(workload)
        if not pod["topologySpreadConstraints"].present and not pod["affinity"].present:
            yield "has several replicas and no spreading over nodes: set topologySpreadConstraints", workload


def drainable(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Workloads with several replicas have a PodDisruptionBudget, and every PodDisruptionBudget allows evictions."""
    budgets = [found for found in resources if found.kind == "PodDisruptionBudget"]
    for workload in _several(resources):
        if not any(_covers(budget, workload) for budget in budgets):
            yield (
                "has several replicas and no PodDisruptionBudget: add one, or a drain could evict all replicas at once",
                workload,
            )
    for budget in budgets:
        spec = budget.inputs["spec"]
        if spec["maxUnavailable"].is_surely(*NONE_UNAVAILABLE) or spec["minAvailable"].is_surely(*ALL_AVAILABLE):
            yield "spec: allows no eviction, so that nodes cannot be drained: set maxUnavailable 1", budget


def _several(resources: list[Resource]) -> Iterator[Resource]:
    """Workloads with more than one pod, or with an autoscaler that can add pods."""
    autoscalers = [found for found in resources if found.kind == "HorizontalPodAutoscaler"]
    for workload in resources:
        if workload.kind not in SCALED:
            continue
        if _is_many(workload.inputs.at("spec.replicas")) or any(_scales(one, workload) for one in autoscalers):
            yield workload


def _is_many(number: Node) -> bool:
    return isinstance(number.value, int | float) and number.value > 1


def _scales(autoscaler: Resource, workload: Resource) -> bool:
    target = autoscaler.inputs.at("spec.scaleTargetRef")
    return (
        _is_many(autoscaler.inputs.at("spec.maxReplicas"))
        and target["kind"].may_be(workload.kind)
        and target["name"].may_equal(workload.inputs.at("metadata.name"))
        and autoscaler.inputs.at("metadata.namespace").may_equal(workload.inputs.at("metadata.namespace"))
    )


def _covers(budget: Resource, workload: Resource) -> bool:
    here, there = budget.inputs.at("metadata.namespace"), workload.inputs.at("metadata.namespace")
    labels = workload.inputs.at("spec.template.metadata.labels")
    wanted = budget.inputs.at("spec.selector.matchLabels")
    return here.may_equal(there) and all(value.may_equal(labels[key]) for key, value in wanted.items())
