"""Networks: connections that a plan's NetworkPolicies newly allow, or no longer allow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.plan.network_rules import (
    NAME,
    PODS,
    Known,
    canonical,
    covers,
    in_words,
    peers_in_words,
    port_set,
    ports_in_words,
    shares_port,
)
from tools.plan.preview import Json, Step, part, parts

WAYS = {"egress": "connect to", "ingress": "be reached by"}
# Ports of name servers.
NAMES = frozenset({"53", "5353", "8053"})
# The component of a team.
TEAM = "Workspace "
WORKLOADS = frozenset({"Deployment", "StatefulSet"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """Connections that a plan opens or closes for some pods."""

    who: str
    """The pods, in words."""

    said: str
    """The rest of the sentence about the pods."""

    short: str
    """A shorter rest of the sentence, for a headline."""

    opens: bool = False
    """True if the pods reach more, or are reached by more."""

    closes: bool = False
    """True if the pods reach less, or are reached by less, and this plan does not know that nobody needs it."""

    @property
    def headline(self) -> str:
        """The pods and the short form."""
        return f"{self.who.partition(' (')[0]} {self.short}"

    @property
    def sentence(self) -> str:
        """The whole sentence."""
        return f"{self.who} {self.said}"


def connections(steps: Sequence[Step], known: Known | None = None) -> list[Connection]:
    """Connections that NetworkPolicies newly admit or no longer admit, except in new or deleted namespaces.

    `steps` are all of the preview: policies that stay as they are keep pods closed.
    """
    others, gone = _spaces(steps, "create", "delete"), _deleted_pods(steps)
    found: dict[Connection, list[Step]] = {}
    for step in _policies(steps):
        if _space(step) not in others:
            for each in _changes(step, known or {}, gone):
                found.setdefault(each, []).append(step)
        # Of the pods that the policy has selected so far.
        earlier = replace(step, new={})
        if step.old and _space(earlier) not in others:
            for each in _lost_isolation(step, steps):
                found.setdefault(each, []).append(earlier)
    return sorted((replace(each, who=_who(where)) for each, where in found.items()), key=lambda one: one.sentence)


def without_effect(steps: Sequence[Step], known: Known | None = None) -> list[str]:
    """Sentences about new rules that admit nothing new, because another rule admits it already."""
    others = _spaces(steps, "create", "delete")
    found: dict[str, list[Step]] = {}
    for step in _policies(steps):
        if _space(step) not in others and step.op == "update":
            for said in _covered(step, known or {}):
                found.setdefault(said, []).append(step)
    return sorted(f"{_who(where)} {said}" for said, where in found.items())


def of_new_namespaces(steps: Sequence[Step], known: Known | None = None) -> list[str]:
    """Sentences about the connections of pods in new namespaces."""
    new = [step for step in _policies(steps) if step.op == "create" and _space(step) in _spaces(steps, "create")]
    rules: dict[tuple[str, str, str], list[str]] = {}
    for step in new:
        for way, words in WAYS.items():
            found = [_short(rule, known or {}) for rule in parts(step.new, "spec", way)]
            rules.setdefault((_who([step]), _space(step), words), []).extend(found)
    shut = {_space(step) for step in new if _is_shut(step)}
    return sorted(
        f"{who} may {words} {'; '.join(found)}{'; nothing else' if space in shut else ''}"
        for (who, space, words), found in rules.items()
        if found
    )


def _is_shut(step: Step) -> bool:
    """True for a policy that selects all pods of its namespace, so that only allowed connections remain."""
    types: Any = part(step.new, "spec").get("policyTypes") or ()
    return not part(step.new, "spec", "podSelector") and {"Egress", "Ingress"} <= set(types)


def _short(rule: Json, known: Known) -> str:
    ports = {str(one.get("port")) for one in parts(rule, "ports")}
    return "name servers" if ports and ports <= NAMES else in_words(rule, known)


def _policies(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step.kind == "NetworkPolicy"]


def _spaces(steps: Sequence[Step], *ops: str) -> set[str]:
    """Names of the namespaces that are created or deleted, and of existing ones that a team takes over."""
    found = (
        step
        for step in steps
        if (step.kind == "Namespace" and step.op in ops)
        or (step.kind == "NamespacePatch" and step.op == "create" and "create" in ops)
    )
    return {str(part(step.new or step.old, "metadata").get("name")) for step in found}


def _space(step: Step) -> str:
    return str(part(step.new or step.old, "metadata").get("namespace") or "?")


def _deleted_pods(steps: Sequence[Step]) -> set[tuple[str, str]]:
    """Namespace and name of the pods whose workload is deleted."""
    found = [step for step in steps if step.kind in WORKLOADS and step.op == "delete"]
    labels = [part(step.old, "spec", "template", "metadata", "labels") for step in found]
    return {
        (_space(step), str(each.get(NAME) or part(step.old, "metadata").get("name")))
        for step, each in zip(found, labels, strict=True)
    }


def _who(steps: Sequence[Step]) -> str:
    """The pods that policies are about: programs of teams, a part of the platform, or pods with labels."""
    teams = sorted(step.component.removeprefix(TEAM) for step in steps if step.component.startswith(TEAM))
    selected = {_pods(step.new or step.old) for step in steps}
    if len(teams) == len(steps) and selected == {""}:
        return f"programs of {' and '.join(teams)}"
    spaces = sorted({_space(step) for step in steps})
    pods = " and ".join(sorted(f"pods {name}".strip() for name in selected))
    where = f"{pods} of namespace{'s' if len(spaces) > 1 else ''} {', '.join(spaces)}"
    (name, *others) = sorted(selected)
    return f"{PODS[name]} ({where})" if name in PODS and not others else where


def _changes(step: Step, known: Known, gone: set[tuple[str, str]]) -> Iterator[Connection]:
    if step.op == "same":
        return
    if step.op == "delete":
        # The policy only takes its rules away: of isolated pods that are no others' `_lost_isolation` tells.
        return
    if step.op == "update" and any(
        _spec(step.old, each) != _spec(step.new, each) for each in ("podSelector", "policyTypes")
    ):
        said = "have a policy that now selects other pods or directions: compare the whole policy below"
        yield Connection(who="", said=said, short="get other network rules", opens=True)
    for way, words in WAYS.items():
        before, after = parts(step.old, "spec", way), parts(step.new, "spec", way)
        more = [rule for rule in after if not any(covers(one, rule) for one in before)]
        if more:
            short = f"can newly {words} {_named_peers(more, known)}"
            yield Connection(who="", said=f"can newly {words} {_listed(more, known)}", short=short, opens=True)
        if step.op == "update":
            # A deleted policy goes with its pods, or with what it was for.
            less = [rule for rule in before if not any(covers(one, rule) for one in after)]
            yield from _closed(less, after, words, known, {name for space, name in gone if space == _space(step)})


def _lost_isolation(step: Step, steps: Sequence[Step]) -> Iterator[Connection]:
    """Directions in which pods were closed by a policy, and no policy closes them any more: everything is admitted."""
    # Where the policy was: it may have moved to another namespace.
    space = part(step.old, "metadata").get("namespace")
    after = [
        one.new
        for one in _policies(steps)
        if one.op != "delete" and part(one.new, "metadata").get("namespace") == space
    ]
    selected = _selector(step.old)
    lost = [
        way
        for way in sorted(directions(step.old))
        if not any(way in directions(one) and _selects_all_of(_selector(one), selected) for one in after)
    ]
    if lost:
        what = " and ".join(f"may {WAYS[way]} everything" for way in lost)
        yield Connection(
            who="", said=f"lose their default deny: they {what}", short="lose their default deny", opens=True
        )


def directions(policy: Json) -> set[str]:
    """The directions in which a policy closes the pods that it selects; Kubernetes' default if it names none."""
    if not policy:
        return set()
    types: Any = part(policy, "spec").get("policyTypes")
    default = ["Ingress", *(["Egress"] if parts(policy, "spec", "egress") else [])]
    return {str(one).lower() for one in types or default}


def _selector(policy: Json) -> Json:
    return part(policy, "spec", "podSelector")


def _selects_all_of(selector: Json, other: Json) -> bool:
    """True if a selector certainly selects every pod that another one selects, judged by equal labels."""
    labels, others = part(selector, "matchLabels"), part(other, "matchLabels")
    return selector == other or (not selector.get("matchExpressions") and labels.items() <= others.items())


def _closed(
    less: Sequence[Json], after: Sequence[Json], words: str, known: Known, gone: set[str]
) -> Iterator[Connection]:
    expected = [rule for rule in less if _is_to(rule, gone)]
    if expected:
        said = f"can no longer {words} {_listed(expected, known)}, which this plan deletes"
        yield Connection(who="", said=said, short="")
    left = [rule for rule in less if rule not in expected]
    if not left:
        return
    rest = [rule for rule in after if any(shares_port(one, rule) for one in left)]
    if any(covers(one, rule) for one in left for rule in rest):
        # Said as before and after: what is closed for less than all would read as its opposite.
        said = f"can {words} less than before{_compared(left, rest, known)}"
        yield Connection(who="", said=said, short=f"can {words} less than before", closes=True)
        return
    said = f"can no longer {words} {_listed(left, known)}"
    yield Connection(who="", said=said, short=f"can no longer {words} {_named_peers(left, known)}", closes=True)


def _compared(before: Sequence[Json], after: Sequence[Json], known: Known) -> str:
    """Connections before and after, in words; the ports come first if all earlier rules have the same ports."""
    ports = {port_set(rule) for rule in before}
    if len(ports) > 1:
        return f". Before: {_listed(before, known)}. After, on these ports: only {_listed(after, known)}"
    left = [
        peers_in_words(rule, known)
        if port_set(rule) in ports
        else f"{peers_in_words(rule, known)} on {ports_in_words(rule)}"
        for rule in after
    ]
    peers = " and ".join(peers_in_words(rule, known) for rule in before)
    return f", on {ports_in_words(before[0])}. Before: {peers}. After: only {' and '.join(left)}"


def _is_to(rule: Json, gone: set[str]) -> bool:
    """True if all peers of a rule are pods of the same namespace whose workload is deleted."""
    peers = parts(rule, "to") or parts(rule, "from")
    return bool(peers) and all(
        peer.keys() == {"podSelector"} and part(peer, "podSelector", "matchLabels").get(NAME) in gone for peer in peers
    )


def _spec(inputs: Json, name: str) -> object:
    """A field of a policy's spec; the order of the directions means nothing."""
    value = part(inputs, "spec").get(name)
    return sorted(map(str, value)) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType] - JSON


def _covered(step: Step, known: Known) -> Iterator[str]:
    for way, words in WAYS.items():
        before, after = parts(step.old, "spec", way), parts(step.new, "spec", way)
        stays = [rule for rule in before if rule in after]
        found = [rule for rule in after if rule not in before and any(covers(one, rule) for one in stays)]
        if found:
            listed = _listed(found, known)
            yield f"have a new rule that opens nothing: another rule already allows them to {words} {listed}"


def _pods(inputs: Json) -> str:
    """The name of the pods that a policy selects, or their labels; empty for all pods of the namespace."""
    labels = part(inputs, "spec", "podSelector", "matchLabels")
    return str(labels.get(NAME) or canonical(labels)) if labels else ""


def _listed(rules: Sequence[Json], known: Known) -> str:
    return "; ".join(in_words(rule, known) for rule in rules)


def _named_peers(rules: Sequence[Json], known: Known) -> str:
    return " and ".join(dict.fromkeys(peers_in_words(rule, known) for rule in rules))
