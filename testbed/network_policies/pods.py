"""Pods with the properties that the packet filter needs: address, labels that policies select, and named ports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .objects import Object, Protocol

ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod with an address of its own."""

    namespace: str
    name: str
    address: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str]
    ports: Mapping[tuple[str, Protocol], int] = field(default_factory=dict[tuple[str, Protocol], int])
    """Numbers of named ports, by name and protocol."""


def pods(objects: Iterable[Object], announced: Mapping[tuple[str, str], str]) -> list[Pod]:
    """Return the pods that policies apply to, in the order of their addresses.

    Left out are pods with `hostNetwork`, which count as the node, and pods that have ended and freed their address.

    Args:
        objects: pods and namespaces, among others.
        announced: addresses that the CNI plugin has assigned, by namespace and name of the pod. They are newer than
            the addresses from the API server.
    """
    known = list(objects)
    namespaces = {
        one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in known if one["kind"] == "Namespace"
    }
    found: dict[str, Pod] = {}
    for one in known:
        if one["kind"] != "Pod" or one["spec"].get("hostNetwork") or one["status"].get("phase") in ENDED:
            continue
        metadata = one["metadata"]
        key = (metadata["namespace"], metadata["name"])
        address = announced.get(key) or one["status"].get("podIP")
        # The address belongs to another, announced pod: this one has ended, but the API server does not report it yet.
        lost = address in announced.values() and key not in announced
        if address is None or lost or key[0] not in namespaces:
            continue
        found[address] = Pod(
            namespace=key[0],
            name=key[1],
            address=address,
            labels=metadata.get("labels", {}),
            namespace_labels=namespaces[key[0]],
            ports=_named_ports(one),
        )
    return [found[address] for address in sorted(found, key=_numeric)]


def _named_ports(pod: Object) -> dict[tuple[str, Protocol], int]:
    spec = pod["spec"]
    return {
        (port["name"], port.get("protocol", "TCP")): port["containerPort"]
        for container in (*spec.get("containers", []), *spec.get("initContainers", []))
        for port in container.get("ports", [])
        if "name" in port
    }


def _numeric(address: str) -> list[int]:
    return [int(part) for part in address.split(".")]
