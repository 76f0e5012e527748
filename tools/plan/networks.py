"""Networks: which pods a plan lets connect to more or less, or be reached by more or less."""

import ipaddress
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tools.plan.preview import Json, Step, part, parts

WAYS = {"egress": "connect to", "ingress": "be reached by"}
ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
# Ports of name servers.
NAMES = frozenset({"53", "5353", "8053"})
Range = ipaddress.IPv4Network | ipaddress.IPv6Network
# Name of the pods, of their namespace, and what is said of them.
Said = tuple[str, str, str]


def opened(steps: Sequence[Step]) -> list[str]:
    """Sentences about NetworkPolicies that admit more than before; those of new or deleted namespaces are none."""
    return _sentences(_existing(steps), _opened)


def closed(steps: Sequence[Step]) -> list[str]:
    """Sentences about NetworkPolicies that admit less than before, likewise."""
    return _sentences(_existing(steps), _closed)


def without_effect(steps: Sequence[Step]) -> list[str]:
    """Sentences about new rules that admit nothing new, because another rule admits it already."""
    return _sentences(_existing(steps), _covered)


def of_new_namespaces(steps: Sequence[Step]) -> list[str]:
    """Sentences about the connections of pods in new namespaces."""
    new = [step for step in _policies(steps) if step.op == "create" and _space(step) in _spaces(steps, "create")]
    rules: dict[tuple[str, str, str], list[str]] = {}
    for step in new:
        for way, words in WAYS.items():
            found = [_short(rule) for rule in parts(step.new, "spec", way)]
            rules.setdefault((_pods(step.new), _space(step), words), []).extend(found)
    shut = {_space(step) for step in new if _is_shut(step)}
    return sorted(
        f"{pods} of namespace {space} may {words} {'; '.join(found)}{'; nothing else' if space in shut else ''}"
        for (pods, space, words), found in rules.items()
        if found
    )


def _is_shut(step: Step) -> bool:
    """True for a policy that closes all pods of its namespace, but for its rules and those of others."""
    types: Any = part(step.new, "spec").get("policyTypes") or ()
    return not part(step.new, "spec", "podSelector") and {"Egress", "Ingress"} <= set(types)


def _short(rule: Json) -> str:
    ports = {str(one.get("port")) for one in parts(rule, "ports")}
    return "name servers" if ports and ports <= NAMES else in_words(rule)


def in_words(rule: Json) -> str:
    """A rule of a NetworkPolicy in words, for example `10.0.0.0/8, port 443`."""
    peers = [_peer(one) for one in (parts(rule, "to") or parts(rule, "from"))] or ["everything"]
    ports = ", ".join(_port(one) for one in parts(rule, "ports"))
    return f"{' and '.join(peers)}, {f'port {ports}' if ports else 'any port'}"


def _policies(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step.kind == "NetworkPolicy"]


def _spaces(steps: Sequence[Step], *ops: str) -> set[str]:
    """Names of the namespaces that are created or deleted."""
    found = (step for step in steps if step.kind == "Namespace" and step.op in ops)
    return {str(part(step.new or step.old, "metadata").get("name")) for step in found}


def _space(step: Step) -> str:
    return str(part(step.new or step.old, "metadata").get("namespace") or "?")


def _existing(steps: Sequence[Step]) -> list[Step]:
    others = _spaces(steps, "create", "delete")
    return [step for step in _policies(steps) if _space(step) not in others]


def _sentences(steps: Sequence[Step], of: Callable[[Step], Iterator[Said]]) -> list[str]:
    """The sentences, one for all namespaces of which the same is said."""
    spaces: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        for pods, space, said in of(step):
            spaces.setdefault((pods, said), []).append(space)
    return sorted(
        f"{pods} of namespace{'s' if len(names) > 1 else ''} {', '.join(sorted(names))} {said}"
        for (pods, said), names in spaces.items()
    )


def _opened(step: Step) -> Iterator[Said]:
    pods, space = _pods(step.new or step.old), _space(step)
    if step.op == "delete":
        # What is not denied by any policy is open; a policy with rules only takes its rules away.
        if not any(parts(step.old, "spec", way) for way in WAYS):
            yield pods, space, "lose their default deny"
        return
    if step.op == "update" and any(
        _spec(step.old, each) != _spec(step.new, each) for each in ("podSelector", "policyTypes")
    ):
        yield pods, space, "are other pods or directions than before: compare the whole policy below"
    for way, words in WAYS.items():
        before, after = parts(step.old, "spec", way), parts(step.new, "spec", way)
        more = [rule for rule in after if not any(_covers(one, rule) for one in before)]
        if more:
            yield pods, space, f"may also {words} {_listed(more)}"


def _spec(inputs: Json, name: str) -> object:
    """A field of a policy's spec; the order of the directions means nothing."""
    value = part(inputs, "spec").get(name)
    return sorted(map(str, value)) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType] - JSON


def _closed(step: Step) -> Iterator[Said]:
    """Connections that an update takes away. A deleted policy goes with its pods, or with what it was for."""
    if step.op != "update":
        return
    for way, words in WAYS.items():
        after = parts(step.new, "spec", way)
        less = [rule for rule in parts(step.old, "spec", way) if not any(_covers(one, rule) for one in after)]
        if less:
            rest = [rule for rule in after if any(_covers(one, rule) for one in less)]
            still = f"; of this, they still may {words} {_listed(rest)}" if rest else ""
            yield _pods(step.old), _space(step), f"may no longer {words} {_listed(less)}{still}"


def _covered(step: Step) -> Iterator[Said]:
    if step.op != "update":
        return
    for way, words in WAYS.items():
        before, after = parts(step.old, "spec", way), parts(step.new, "spec", way)
        stays = [rule for rule in before if rule in after]
        found = [rule for rule in after if rule not in before and any(_covers(one, rule) for one in stays)]
        if found:
            said = f"have a new rule, which opens nothing: they might {words} {_listed(found)} before, by another rule"
            yield _pods(step.new), _space(step), said


def _covers(wide: Json, narrow: Json) -> bool:
    """True if a rule admits everything that another one does."""
    ports, allowed = (set(map(_canonical, parts(rule, "ports"))) for rule in (narrow, wide))
    if allowed and not (ports and ports <= allowed):
        return False
    peers, admitted = (parts(rule, "to") or parts(rule, "from") for rule in (narrow, wide))
    if not admitted:
        return True
    return bool(peers) and all(any(_holds(one, peer) for one in admitted) for peer in peers)


def _holds(wide: Json, narrow: Json) -> bool:
    """True if a peer is another one, or a range of addresses that contains it."""
    ours, theirs = part(wide, "ipBlock"), part(narrow, "ipBlock")
    if not ours or not theirs:
        return _canonical(wide) == _canonical(narrow)
    try:
        outer, inner = (ipaddress.ip_network(str(one.get("cidr"))) for one in (ours, theirs))
        left_out = [ipaddress.ip_network(str(one)) for one in ours.get("except") or ()]
    except ValueError:
        return _canonical(wide) == _canonical(narrow)
    if outer.version != inner.version:
        return False
    same: list[Any] = theirs.get("except") or []
    return _within(inner, outer) and all(str(one) in same or not inner.overlaps(one) for one in left_out)


def _within(inner: Range, outer: Range) -> bool:
    return inner.network_address in outer and inner.broadcast_address in outer


def _canonical(rule: Json) -> str:
    return json.dumps(rule, sort_keys=True)


def _pods(inputs: Json) -> str:
    labels = part(inputs, "spec", "podSelector", "matchLabels")
    return f"pods {labels.get('app.kubernetes.io/name') or _canonical(labels)}" if labels else "pods"


def _listed(rules: Sequence[Json]) -> str:
    return "; ".join(map(in_words, rules))


def _port(port: Json) -> str:
    number, last = port.get("port"), port.get("endPort")
    protocol = port.get("protocol", "TCP")
    return f"{number}{f'-{last}' if last else ''}{'' if protocol == 'TCP' else f'/{protocol}'}"


def _peer(peer: Json) -> str:
    block = part(peer, "ipBlock")
    if cidr := block.get("cidr"):
        left_out = ", ".join(map(str, block.get("except") or ()))
        name = f"any address ({cidr})" if cidr in ANYWHERE else str(cidr)
        return f"{name} but {left_out}" if left_out else name
    space = part(peer, "namespaceSelector", "matchLabels").get("kubernetes.io/metadata.name")
    labels = part(peer, "podSelector", "matchLabels")
    pods = f"pods {labels.get('app.kubernetes.io/name') or _canonical(labels)}" if labels else "all pods"
    if "namespaceSelector" not in peer:
        return f"{pods} of the same namespace"
    return (
        f"{pods} of namespace {space}"
        if space
        else f"{pods} of namespaces {_canonical(part(peer, 'namespaceSelector'))}"
    )
