"""The parts of Kubernetes objects that decide who may connect to whom, as types."""

from typing import Literal, NotRequired, Required, TypedDict

Protocol = Literal["TCP", "UDP", "SCTP"]


class Metadata(TypedDict):
    """Of every object."""

    name: str
    namespace: str
    """Nothing asks a Namespace for it."""
    uid: str
    labels: NotRequired[dict[str, str]]


class Requirement(TypedDict, total=False):
    """One of a selector's `matchExpressions`."""

    key: str
    operator: str
    values: list[str]


class Selector(TypedDict, total=False):
    """A LabelSelector; an empty one selects everything."""

    matchLabels: dict[str, str]
    matchExpressions: list[Requirement]


class ContainerPort(TypedDict, total=False):
    """A port that a container declares."""

    name: str
    containerPort: Required[int]
    protocol: Protocol


class Container(TypedDict, total=False):
    """One container of a pod."""

    ports: list[ContainerPort]


# Python keeps `except` and `from` to itself, so these are written as calls.
IPBlock = TypedDict("IPBlock", {"cidr": str, "except": NotRequired[list[str]]})


class Peer(TypedDict, total=False):
    """Whom one entry of `from` or `to` means."""

    podSelector: Selector
    namespaceSelector: Selector
    ipBlock: IPBlock


class PolicyPort(TypedDict, total=False):
    """One entry of `ports`."""

    protocol: Protocol
    port: int | str
    endPort: int


Rule = TypedDict("Rule", {"ports": list[PolicyPort], "from": list[Peer], "to": list[Peer]}, total=False)


class Spec(TypedDict, total=False):
    """Of pods (the first fields) and policies (the others)."""

    hostNetwork: bool
    containers: list[Container]
    initContainers: list[Container]

    podSelector: Selector
    policyTypes: list[Literal["Ingress", "Egress"]]
    ingress: list[Rule]
    egress: list[Rule]


class Status(TypedDict, total=False):
    """Of pods."""

    phase: str
    podIP: str


class Object(TypedDict):
    """A Namespace, Pod or NetworkPolicy."""

    kind: str
    metadata: Metadata
    spec: Spec
    status: Status
