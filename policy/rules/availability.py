"""What is left when nodes are drained: workloads of several replicas keep some of them."""

from collections.abc import Iterator

from .node import Node
from .pods import pod_of
from .resource import Resource

SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})
# How a budget says that no pod may go.
NONE_UNAVAILABLE = (0, "0%")
ALL_AVAILABLE = ("100%",)


def spread_out(resources: list[Resource]) -> Iterator[tuple[str, str]]:
    """Several replicas are not all on one node by chance."""
    for workload in resources:
        pod = pod_of(workload)
        together = not pod["topologySpreadConstraints"].present and not pod.at("affinity").present
        if together and _has_several(workload, resources):
            yield "there are several replicas and nothing spreads them: set topologySpreadConstraints", workload.urn


def drainable(resources: list[Resource]) -> Iterator[tuple[str, str]]:
    """Several replicas have a disruption budget, and every budget lets nodes be drained."""
    budgets = [found for found in resources if found.kind == "PodDisruptionBudget"]
    for workload in resources:
        if _has_several(workload, resources) and not any(_covers(budget, workload) for budget in budgets):
            yield (
                "there are several replicas and no PodDisruptionBudget covers them: a drain may end all at once",
                workload.urn,
            )
    for budget in budgets:
        spec = budget.inputs["spec"]
        if spec["maxUnavailable"].is_surely(*NONE_UNAVAILABLE) or spec["minAvailable"].is_surely(*ALL_AVAILABLE):
            yield "spec: lets no pod go, and a node with one can never be drained: set maxUnavailable 1", budget.urn


def _has_several(workload: Resource, resources: list[Resource]) -> bool:
    """Whether there is more than one pod at all times, by the workload's own word or by its autoscaler's."""
    if workload.kind not in SCALED:
        return False
    scalers = [found for found in resources if found.kind == "HorizontalPodAutoscaler" and _scales(found, workload)]
    counts = [workload.inputs.at("spec.replicas").value, *(one.inputs.at("spec.minReplicas").value for one in scalers)]
    return any(isinstance(count, int | float) and count > 1 for count in counts)


def _scales(scaler: Resource, workload: Resource) -> bool:
    here, there = scaler.inputs.at("metadata.namespace"), workload.inputs.at("metadata.namespace")
    target, name = scaler.inputs.at("spec.scaleTargetRef.name"), workload.inputs.at("metadata.name")
    return _agree(here, there) and _agree(target, name)


def _covers(budget: Resource, workload: Resource) -> bool:
    here, there = budget.inputs.at("metadata.namespace"), workload.inputs.at("metadata.namespace")
    labels = workload.inputs.at("spec.template.metadata.labels")
    wanted = budget.inputs.at("spec.selector.matchLabels")
    return _agree(here, there) and all(_agree(value, labels[key]) for key, value in wanted.items())


def _agree(one: Node, other: Node) -> bool:
    return not one.known or not other.known or one.value == other.value
