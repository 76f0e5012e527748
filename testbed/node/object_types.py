"""Types for the parts of Kubernetes objects that this package reads."""

from typing import Literal, NotRequired, TypedDict


class Metadata(TypedDict):
    """`metadata` of a Kubernetes object."""

    name: str
    namespace: NotRequired[str]
    labels: NotRequired[dict[str, str]]
    annotations: NotRequired[dict[str, str]]
    deletionTimestamp: NotRequired[str]
    ownerReferences: NotRequired[list[object]]


class Condition(TypedDict):
    """A condition in the status of a Node, Pod or Deployment."""

    type: str
    status: str
    reason: NotRequired[str]
    message: NotRequired[str]


class NotRunning(TypedDict):
    """The state of a container that does not run: it is waiting, or has terminated."""

    reason: str


class Running(TypedDict):
    """The state of a running container."""

    startedAt: str


class ContainerState(TypedDict, total=False):
    """The state of a container; exactly one key is set."""

    waiting: NotRunning
    running: Running
    terminated: NotRunning


class ContainerStatus(TypedDict):
    """The status of a container."""

    name: str
    state: ContainerState


class Status(TypedDict, total=False):
    """The status of a Node, Pod, Deployment or PersistentVolume."""

    phase: str
    conditions: list[Condition]
    containerStatuses: list[ContainerStatus]
    initContainerStatuses: list[ContainerStatus]


class ClaimReference(TypedDict):
    """The PersistentVolumeClaim that a PersistentVolume is bound to."""

    namespace: str
    name: str


class Container(TypedDict):
    """A container of a Pod."""

    image: str


class Spec(TypedDict, total=False):
    """`spec` of a PersistentVolume or a Pod; other objects' `spec` is not read."""

    claimRef: ClaimReference
    containers: list[Container]
    initContainers: list[Container]


class Object(TypedDict):
    """A Kubernetes object of one of the kinds that determine the cluster's health."""

    kind: Literal["Node", "Pod", "Deployment", "PersistentVolume"]
    metadata: Metadata
    spec: Spec
    status: Status
