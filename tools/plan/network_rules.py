"""Rules of NetworkPolicies: each in words, and which of two admits more."""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from tools.plan.preview import Json, part, parts

ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
# Label with the name of pods.
NAME = "app.kubernetes.io/name"
# What pods of the platform are for people, by their names.
PODS = {
    "mlflow": "MLflow",
    "postgres": "the database",
    "object-store": "the artifact store",
    "dex": "the identity provider of the stack (dex)",
}
Range = ipaddress.IPv4Network | ipaddress.IPv6Network
# Before the name of a namespace among what is known.
NAMESPACE = "namespace "
# Names of address ranges and of the pods of a namespace, by the range and by `NAMESPACE` and its name.
Known = Mapping[str, str]


def in_words(rule: Json, known: Known | None = None) -> str:
    """A rule of a NetworkPolicy in words, for example `10.0.0.0/8, port 443`."""
    return f"{peers_in_words(rule, known or {})}, {ports_in_words(rule)}"


def ports_in_words(rule: Json) -> str:
    """The ports of a rule in words."""
    ports = ", ".join(_port(one) for one in parts(rule, "ports"))
    return f"port {ports}" if ports else "any port"


def peers_in_words(rule: Json, known: Known) -> str:
    """The peers of a rule in words."""
    return " and ".join([_peer(one, known) for one in (parts(rule, "to") or parts(rule, "from"))] or ["everything"])


def port_set(rule: Json) -> frozenset[str]:
    """The ports of a rule; empty for all ports."""
    return frozenset(map(canonical, parts(rule, "ports")))


def shares_port(one: Json, other: Json) -> bool:
    """True if two rules have a port in common."""
    return not port_set(one) or not port_set(other) or bool(port_set(one) & port_set(other))


def covers(wide: Json, narrow: Json) -> bool:
    """True if a rule admits everything that another one does."""
    ports, allowed = (set(map(canonical, parts(rule, "ports"))) for rule in (narrow, wide))
    if allowed and not (ports and ports <= allowed):
        return False
    asked, admitted = (parts(rule, "to") or parts(rule, "from") for rule in (narrow, wide))
    if not admitted:
        return True
    return bool(asked) and all(any(_holds(one, peer) for one in admitted) for peer in asked)


def _holds(wide: Json, narrow: Json) -> bool:
    """True if a peer is another one, or a range of addresses that contains it."""
    ours, theirs = part(wide, "ipBlock"), part(narrow, "ipBlock")
    if not ours or not theirs:
        return canonical(wide) == canonical(narrow)
    try:
        outer, inner = (ipaddress.ip_network(str(one.get("cidr"))) for one in (ours, theirs))
        left_out = [ipaddress.ip_network(str(one)) for one in ours.get("except") or ()]
    except ValueError:
        return canonical(wide) == canonical(narrow)
    if outer.version != inner.version:
        return False
    same: list[Any] = theirs.get("except") or []
    return _within(inner, outer) and all(str(one) in same or not inner.overlaps(one) for one in left_out)


def _within(inner: Range, outer: Range) -> bool:
    return inner.network_address in outer and inner.broadcast_address in outer


def canonical(rule: Json) -> str:
    """JSON as text, to compare it."""
    return json.dumps(rule, sort_keys=True)


def _port(port: Json) -> str:
    number, last = port.get("port"), port.get("endPort")
    protocol = port.get("protocol", "TCP")
    return f"{number}{f'-{last}' if last else ''}{'' if protocol == 'TCP' else f'/{protocol}'}"


def _peer(peer: Json, known: Known) -> str:
    block = part(peer, "ipBlock")
    if cidr := block.get("cidr"):
        left_out = ", ".join(map(str, block.get("except") or ()))
        name = "every address" if cidr in ANYWHERE else str(cidr).removesuffix("/32").removesuffix("/128")
        said = f"{name} except {left_out}" if left_out else name
        return f"{known[cidr]} ({said})" if cidr in known else said
    selector, labels = part(peer, "namespaceSelector"), part(peer, "podSelector", "matchLabels")
    space, name = part(selector, "matchLabels").get("kubernetes.io/metadata.name"), labels.get(NAME)
    pods = f"pods {name or canonical(labels)}" if labels else "all pods"
    if "namespaceSelector" not in peer:
        return f"{PODS[name]} (pods {name})" if name in PODS else f"{pods} of the same namespace"
    if not space:
        return f"{pods} of namespaces {canonical(selector)}"
    where = f"{pods} of namespace {space}"
    who = PODS.get(str(name)) or ("" if labels else known.get(f"{NAMESPACE}{space}", ""))
    return f"{who} ({where})" if who else where
