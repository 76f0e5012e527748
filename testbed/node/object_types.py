"""Types for the parts of Kubernetes objects that this package reads."""

from typing import Literal, NotRequired, TypedDict


class Metadata(TypedDict):
    """Metadata of an object."""

    name: str
    namespace: NotRequired[str]
    labels: NotRequired[dict[str, str]]
    deletionTimestamp: NotRequired[str]
    ownerReferences: NotRequired[list[object]]


class Condition(TypedDict):
    """A condition of a node, pod or deployment."""

    type: str
    status: str
    reason: NotRequired[str]
    message: NotRequired[str]


class Waiting(TypedDict):
    """The state of a container that is waiting or has terminated."""

    reason: str


class Running(TypedDict):
    """The state of a running container."""

    startedAt: str


class ContainerState(TypedDict, total=False):
    """The state of a container; exactly one key is set."""

    waiting: Waiting
    running: Running
    terminated: Waiting


class ContainerStatus(TypedDict):
    """The status of a container."""

    name: str
    state: ContainerState


class Status(TypedDict, total=False):
    """The status of a node, pod, deployment or volume."""

    phase: str
    conditions: list[Condition]
    containerStatuses: list[ContainerStatus]
    initContainerStatuses: list[ContainerStatus]


class ClaimReference(TypedDict):
    """The claim that a volume is bound to."""

    namespace: str
    name: str


class LocalSource(TypedDict):
    """The path of a local volume on the node."""

    path: str


class Spec(TypedDict, total=False):
    """The specification of a volume."""

    claimRef: ClaimReference
    local: LocalSource


class Object(TypedDict):
    """A Kubernetes object."""

    kind: Literal["Node", "Pod", "Deployment", "PersistentVolume"]
    metadata: Metadata
    spec: Spec
    status: Status
