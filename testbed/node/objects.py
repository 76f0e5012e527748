"""The parts of Kubernetes objects that this package reads, as types."""

from typing import Literal, NotRequired, TypedDict


class Metadata(TypedDict):
    """Of every object."""

    name: str
    namespace: NotRequired[str]
    labels: NotRequired[dict[str, str]]
    deletionTimestamp: NotRequired[str]
    ownerReferences: NotRequired[list[object]]


class Condition(TypedDict):
    """Of nodes, pods and deployments."""

    type: str
    status: str
    reason: NotRequired[str]
    message: NotRequired[str]


class Waiting(TypedDict):
    """Why a container does not run yet."""

    reason: str


class Running(TypedDict):
    """Since when a container runs."""

    startedAt: str


class ContainerState(TypedDict, total=False):
    """Of one container; exactly one key is set."""

    waiting: Waiting
    running: Running
    terminated: Waiting


class ContainerStatus(TypedDict):
    """Of one container."""

    name: str
    state: ContainerState


class Status(TypedDict, total=False):
    """Of nodes, pods, deployments and volumes."""

    phase: str
    conditions: list[Condition]
    containerStatuses: list[ContainerStatus]
    initContainerStatuses: list[ContainerStatus]


class ClaimReference(TypedDict):
    """Whom a volume belongs to."""

    namespace: str
    name: str


class LocalSource(TypedDict):
    """Where on the node a local volume lies."""

    path: str


class Spec(TypedDict, total=False):
    """Of volumes."""

    claimRef: ClaimReference
    local: LocalSource


class Object(TypedDict):
    """A Kubernetes object."""

    kind: Literal["Node", "Pod", "Deployment", "PersistentVolume"]
    metadata: Metadata
    spec: Spec
    status: Status
