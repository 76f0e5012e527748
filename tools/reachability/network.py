"""Allowed connections, computed from Kubernetes objects without any traffic.

The rules are those of the NetworkPolicy documentation: a pod that no policy selects for a direction is unrestricted in
that direction; the rules of several policies add up; both ends must allow a connection; replies are always allowed; a
node can connect to its pods, and a pod to itself. An `ipBlock` matches by address, as in most network plugins; the
plugins that never apply it to pods are stricter.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# A Kubernetes object, parsed from JSON.
Object = Mapping[str, Any]

NAME_LABELS = ("app.kubernetes.io/name", "k8s-app")


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """A port that a container or host listens on."""

    number: int
    protocol: str = "TCP"
    name: str = ""

    def __str__(self) -> str:
        """The port as a number, with its protocol unless it is TCP."""
        return f"{self.number}" if self.protocol == "TCP" else f"{self.number}/{self.protocol}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """A node or an address outside the cluster: an end of a connection that no policy can select by labels."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """A pod: an end of a connection that policies can select by labels."""

    namespace: str
    name: str
    address: str
    """Empty if the pod has no address, for example because it has ended."""

    labels: Mapping[str, str] = field(hash=False)
    ports: tuple[Port, ...] = ()

    @property
    def group(self) -> str:
        """Namespace and application name; all pods of an application are one group."""
        names = [self.labels[label] for label in NAME_LABELS if label in self.labels]
        return f"{self.namespace}/{names[0] if names else self.name}"


@dataclass(frozen=True, slots=True)
class Network:
    """Namespaces, pods and policies of a cluster."""

    namespaces: Mapping[str, Mapping[str, str]]
    """The labels of each namespace, by the namespace's name."""

    pods: tuple[Pod, ...]
    policies: tuple[Object, ...]

    def may_connect(self, source: Pod | Host, destination: Pod | Host, port: int, protocol: str = "TCP") -> bool:
        """True if the policies of both ends allow a connection to the port."""
        if source == destination or isinstance(source, Host):
            # The only host that occurs as a source is the node.
            return True
        wanted = (port, protocol)
        leaves = self._passes("egress", source, destination, destination, wanted)
        return leaves and (
            isinstance(destination, Host) or self._passes("ingress", destination, source, destination, wanted)
        )

    def _passes(
        self, way: str, subject: Pod, peer: Pod | Host, destination: Pod | Host, wanted: tuple[int, str]
    ) -> bool:
        """True if the policies of `subject` allow traffic with `peer` in one direction."""
        selecting = [policy for policy in self.policies if way in _ways(policy) and self._is_subject(policy, subject)]
        return not selecting or any(
            _port_fits(rule, destination, wanted) and self._peer_fits(rule, way, subject.namespace, peer)
            for policy in selecting
            for rule in policy["spec"].get(way) or ()
        )

    def _is_subject(self, policy: Object, pod: Pod) -> bool:
        selector: Object = policy["spec"].get("podSelector") or {}
        return policy["metadata"]["namespace"] == pod.namespace and _matches(selector, pod.labels)

    def _peer_fits(self, rule: Object, way: str, namespace: str, peer: Pod | Host) -> bool:
        meant: list[Object] = rule.get("to" if way == "egress" else "from") or []
        return not meant or any(self._is_meant(one, namespace, peer) for one in meant)

    def _is_meant(self, meant: Object, namespace: str, peer: Pod | Host) -> bool:
        if meant.get("ipBlock") is not None:
            return _inside(peer.address, meant["ipBlock"])
        if isinstance(peer, Host):
            return False
        spaces, pods = meant.get("namespaceSelector"), meant.get("podSelector")
        if spaces is None and peer.namespace != namespace:
            return False
        return _matches(spaces or {}, self.namespaces[peer.namespace]) and _matches(pods or {}, peer.labels)


def network(objects: Iterable[Object]) -> Network:
    """The network that these Kubernetes objects describe.

    Pods with `hostNetwork` are left out: NetworkPolicies treat their connections as those of the node.
    """
    by_kind: dict[str, list[Object]] = {}
    for one in objects:
        by_kind.setdefault(one["kind"], []).append(one)
    return Network(
        namespaces={
            # Kubernetes adds this label to every namespace.
            one["metadata"]["name"]: {
                "kubernetes.io/metadata.name": one["metadata"]["name"],
                **(one["metadata"].get("labels") or {}),
            }
            for one in by_kind.get("Namespace", ())
        },
        pods=tuple(_pod(one) for one in by_kind.get("Pod", ()) if not one["spec"].get("hostNetwork")),
        policies=tuple(by_kind.get("NetworkPolicy", ())),
    )


def _pod(one: Object) -> Pod:
    spec: Object = one["spec"]
    status: Object = one.get("status") or {}
    containers: list[Object] = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    declared: list[Object] = [port for container in containers for port in container.get("ports") or ()]
    runs = status.get("phase", "Running") in {"Running", "Pending"}
    return Pod(
        namespace=one["metadata"]["namespace"],
        name=one["metadata"]["name"],
        address=(status.get("podIP") or "") if runs else "",
        labels=one["metadata"].get("labels") or {},
        ports=tuple(
            Port(number=port["containerPort"], protocol=port.get("protocol") or "TCP", name=port.get("name") or "")
            for port in declared
        ),
    )


def _ways(policy: Object) -> set[str]:
    spec = policy["spec"]
    given = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    return {way.lower() for way in given}


def _matches(selector: Object, labels: Mapping[str, str]) -> bool:
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    expressions: list[Object] = selector.get("matchExpressions") or []
    return wanted.items() <= labels.items() and all(_agrees(one, labels) for one in expressions)


def _agrees(expression: Object, labels: Mapping[str, str]) -> bool:
    here = expression["key"] in labels
    listed = here and labels[expression["key"]] in (expression.get("values") or ())
    return {"In": listed, "NotIn": not listed, "Exists": here, "DoesNotExist": not here}[expression["operator"]]


def _inside(address: str, block: Object) -> bool:
    if not address:
        return False
    where = ipaddress.ip_address(address)

    def holds(cidr: str) -> bool:
        return where in ipaddress.ip_network(cidr, strict=False)

    return holds(block["cidr"]) and not any(holds(hole) for hole in block.get("except") or ())


def _port_fits(rule: Object, destination: Pod | Host, wanted: tuple[int, str]) -> bool:
    number, protocol = wanted
    ports: list[Object] = rule.get("ports") or []
    for one in ports:
        if (one.get("protocol") or "TCP") != protocol:
            continue
        port = one.get("port")
        if port is None or port == number or (one.get("endPort") and port <= number <= one["endPort"]):
            return True
        if isinstance(port, str) and isinstance(destination, Pod):
            named = [known for known in destination.ports if (known.name, known.protocol) == (port, protocol)]
            if any(known.number == number for known in named):
                return True
    return not ports
