"""What is left when nodes are drained: workloads of several replicas keep some of them."""

from collections.abc import Iterator

from .node import Node
from .pods import pod_of
from .resource import Resource

SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})
# How a budget says that no pod may go.
NONE_UNAVAILABLE = (0, "0%")
ALL_AVAILABLE = ("100%",)


def spread_out(resource: Resource) -> Iterator[str]:
    """Several replicas are not all on one node by chance."""
    pod = pod_of(resource)
    if not _has_several(resource) or pod["topologySpreadConstraints"].present or pod.at("affinity").present:
        return
    yield "spec.replicas is more than 1 and nothing spreads them: set topologySpreadConstraints"


def drainable(resources: list[Resource]) -> Iterator[tuple[str, str]]:
    """Several replicas have a disruption budget, and every budget lets nodes be drained."""
    budgets = [found for found in resources if found.kind == "PodDisruptionBudget"]
    for workload in resources:
        if _has_several(workload) and not any(_covers(budget, workload) for budget in budgets):
            yield (
                "spec.replicas is more than 1 and no PodDisruptionBudget covers them: a drain may end all at once",
                workload.urn,
            )
    for budget in budgets:
        spec = budget.inputs["spec"]
        if spec["maxUnavailable"].is_surely(*NONE_UNAVAILABLE) or spec["minAvailable"].is_surely(*ALL_AVAILABLE):
            yield "spec: lets no pod go, and a node with one can never be drained: set maxUnavailable 1", budget.urn


def _has_several(resource: Resource) -> bool:
    replicas = resource.inputs.at("spec.replicas").value
    return resource.kind in SCALED and isinstance(replicas, int | float) and replicas > 1


def _covers(budget: Resource, workload: Resource) -> bool:
    here, there = budget.inputs.at("metadata.namespace"), workload.inputs.at("metadata.namespace")
    labels = workload.inputs.at("spec.template.metadata.labels")
    wanted = budget.inputs.at("spec.selector.matchLabels")
    return _agree(here, there) and all(_agree(value, labels[key]) for key, value in wanted.items())


def _agree(one: Node, other: Node) -> bool:
    return not one.known or not other.known or one.value == other.value
