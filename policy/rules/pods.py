"""Pod specifications of all workload kinds, and their containers."""

from collections.abc import Iterator
from dataclasses import dataclass

from .node import Node
from .resource import Resource

TEMPLATE = "spec.template.spec"
POD_PATHS = {
    "Pod": "spec",
    "PodTemplate": "template.spec",
    "ReplicationController": TEMPLATE,
    "ReplicaSet": TEMPLATE,
    "Deployment": TEMPLATE,
    "StatefulSet": TEMPLATE,
    "DaemonSet": TEMPLATE,
    "Job": TEMPLATE,
    "CronJob": "spec.jobTemplate.spec.template.spec",
}
# Kinds with long-running pods.
SERVICES = frozenset({"ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet"})


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod."""

    spec: Node
    long_running: bool
    """True if the container is expected to run as long as the pod."""

    @property
    def label(self) -> str:
        """Name of the container in messages."""
        return f"container `{self.spec['name'].text}`"


def pod_of(resource: Resource) -> Node:
    """The pod specification in a resource; absent in kinds without pods."""
    path = POD_PATHS.get(resource.kind)
    return Node(None) if path is None else resource.inputs.at(path)


def containers_of(resource: Resource) -> Iterator[Container]:
    """All containers of a resource's pods: regular, init, sidecar and ephemeral ones."""
    pod, serves = pod_of(resource), resource.kind in SERVICES
    for spec in pod["initContainers"].each():
        yield Container(spec, long_running=spec["restartPolicy"].is_surely("Always"))
    for spec in pod["containers"].each():
        yield Container(spec, long_running=serves)
    for spec in pod["ephemeralContainers"].each():
        yield Container(spec, long_running=False)
