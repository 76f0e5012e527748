"""Labels of pods that change: which NetworkPolicies, Services and PodDisruptionBudgets select them then."""

from collections.abc import Iterator, Sequence

from tools.plan.network_rules import NAME, PODS, Known, in_words
from tools.plan.networks import WAYS, Connection, directions
from tools.plan.preview import Json, Step, part, parts
from tools.plan.selectors import WORKLOADS, pod_labels, selects

POLICY = "NetworkPolicy"
# What an object does for the pods that it selects.
SELECTING = {
    "Service": "sends them requests",
    "PodDisruptionBudget": "limits how many of them may be away at once",
}


def relabelled(steps: Sequence[Step], known: Known | None = None) -> list[Connection]:
    """Connections that pods get or lose because other NetworkPolicies select them; `steps` are all of the preview."""
    found = [each for step in _changed(steps) for each in _connections(step, steps, known or {})]
    return sorted(found, key=lambda one: one.sentence)


def dependents(step: Step, steps: Sequence[Step]) -> list[str]:
    """Sentences about objects that select a workload's pods in its namespace by labels that change."""
    before, after = pod_labels(step.old), pod_labels(step.new)
    found: list[str] = []
    for one in steps:
        if one.op == "delete" or _space(one.new) != _space(step.new):
            continue
        name = f"{one.kind} {part(one.new, 'metadata').get('name')}"
        if does := SELECTING.get(one.kind):
            was, becomes = (_is_selected(one, labels) for labels in (before, after))
            if was != becomes:
                found.append(f"{name} {'no longer ' if was else 'now '}{does}")
        elif one.kind == POLICY and any(selects(peer, before) != selects(peer, after) for peer in _peers(one.new)):
            found.append(f"{name} {'no longer ' if _admits(one.new, before) else 'now '}lets others connect with them")
    return sorted(found)


def _changed(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        is_changed = step.kind in WORKLOADS and step.op in {"update", "replace"}
        if is_changed and pod_labels(step.old) != pod_labels(step.new):
            yield step


def _connections(step: Step, steps: Sequence[Step], known: Known) -> Iterator[Connection]:
    policies = [one for one in steps if one.kind == POLICY]
    before = _selecting([one.old if one.op != "same" else one.new for one in policies], step.old)
    after = _selecting([one.new for one in policies if one.op != "delete"], step.new)
    # Of policies that change themselves, `networks` tells.
    stay = {_name(one.new) for one in policies if one.op == "same"}
    who = f"{PODS.get(str(pod_labels(step.old).get(NAME)), 'pods')} (pods of {step.object})"
    was, becomes = ({way for one in each.values() for way in directions(one)} for each in (before, after))
    if lost := sorted(was - becomes):
        what = " and ".join(f"may {WAYS[way]} everything" for way in lost)
        said = f"get other labels, and no NetworkPolicy with a default deny selects these: they {what}"
        yield Connection(who=who, said=said, short="lose their default deny", opens=True)
    for name in sorted((after.keys() - before.keys()) & stay):
        said = f"get other labels, so that NetworkPolicy {name} holds for them too{_rules(after[name], known)}"
        yield Connection(who=who, said=said, short=f"get the rules of NetworkPolicy {name}", opens=True)
    for name in sorted((before.keys() - after.keys()) & stay):
        said = f"get other labels, so that NetworkPolicy {name} no longer holds for them{_rules(before[name], known)}"
        yield Connection(who=who, said=said, short=f"lose the rules of NetworkPolicy {name}", closes=True)


def _selecting(policies: Sequence[Json], workload: Json) -> dict[str, Json]:
    """The policies that select the pods of a workload, by their names."""
    return {
        _name(one): one
        for one in policies
        if one and _space(one) == _space(workload) and selects(part(one, "spec", "podSelector"), pod_labels(workload))
    }


def _rules(policy: Json, known: Known) -> str:
    """The connections that a policy allows, in words."""
    allowed = [
        f"{WAYS[way]} {'; '.join(in_words(rule, known) for rule in rules)}"
        for way in WAYS
        if (rules := parts(policy, "spec", way))
    ]
    return f": it lets them {' and '.join(allowed)}" if allowed else ""


def _peers(policy: Json) -> list[Json]:
    """Selectors of pods in the policy's own namespace that its rules admit."""
    rules = [rule for way in WAYS for rule in parts(policy, "spec", way)]
    return [
        part(peer, "podSelector")
        for rule in rules
        for peer in (*parts(rule, "to"), *parts(rule, "from"))
        if "podSelector" in peer and "namespaceSelector" not in peer
    ]


def _admits(policy: Json, labels: dict[str, str]) -> bool:
    return any(selects(peer, labels) for peer in _peers(policy))


def _is_selected(step: Step, labels: dict[str, str]) -> bool:
    found = part(step.new, "spec").get("selector")
    # A Service has the labels themselves, and none of its own selects nothing.
    selector = {"matchLabels": found} if step.kind == "Service" else found
    return bool(found) and selects(part(selector), labels)


def _space(inputs: Json) -> object:
    return part(inputs, "metadata").get("namespace")


def _name(inputs: Json) -> str:
    return str(part(inputs, "metadata").get("name"))
