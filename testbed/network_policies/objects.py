"""Types for the parts of Kubernetes objects that NetworkPolicies depend on."""

from typing import Literal, NotRequired, Required, TypedDict

Protocol = Literal["TCP", "UDP", "SCTP"]


class Metadata(TypedDict):
    """`metadata` of an object."""

    name: str
    namespace: str
    """Absent in a Namespace, where this field is never read."""
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


# `except` and `from` are keywords of Python, so these types need the functional syntax.
IPBlock = TypedDict("IPBlock", {"cidr": str, "except": NotRequired[list[str]]})


class Peer(TypedDict, total=False):
    """One entry of `from` or `to` in a NetworkPolicy rule."""

    podSelector: Selector
    namespaceSelector: Selector
    ipBlock: IPBlock


class PolicyPort(TypedDict, total=False):
    """One entry of `ports` in a NetworkPolicy rule."""

    protocol: Protocol
    port: int | str
    endPort: int


Rule = TypedDict("Rule", {"ports": list[PolicyPort], "from": list[Peer], "to": list[Peer]}, total=False)


class Spec(TypedDict, total=False):
    """`spec` of a pod (the first three fields) or of a NetworkPolicy (the other fields)."""

    hostNetwork: bool
    containers: list[Container]
    initContainers: list[Container]

    podSelector: Selector
    policyTypes: list[Literal["Ingress", "Egress"]]
    ingress: list[Rule]
    egress: list[Rule]


class Status(TypedDict, total=False):
    """`status` of a pod."""

    phase: str
    podIP: str


class Object(TypedDict):
    """A Namespace, Pod or NetworkPolicy."""

    kind: str
    metadata: Metadata
    spec: Spec
    status: Status
