"""Trust: changes of what runs in pods, of its privileges, and of whom it trusts.

Some changes have a meaning that is the same for every pod. Any other change is named as one whose meaning is not known
(`unread.py`), so that it never passes as safe.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from components.team.workspace import WORKSPACE_LABELS
from tools.access.words import Style, prose
from tools.plan import unread
from tools.plan.interruptions import AUTHORITY, CERTIFICATE
from tools.plan.pod_labels import dependents
from tools.plan.preview import Json, Step, part, parts
from tools.plan.selectors import WORKLOADS, containers, pod, pod_labels, selects
from tools.plan.unread import EXCEPTIONS, NAMESPACES, PROXIES

RIGHTS = frozenset({"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"})
# Keys of ConfigMaps with CA certificates.
AUTHORITIES = re.compile(r".*\.(?:crt|pem)\Z")
ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = {"privileged": 0, "baseline": 1, "restricted": 2}
# Fields of a pod and of a container that decide about its privileges.
OF_PODS = (
    "automountServiceAccountToken", "hostIPC", "hostNetwork", "hostPID", "hostUsers", "runtimeClassName",
    "securityContext", "serviceAccountName", "shareProcessNamespace",
)  # fmt: skip
OF_CONTAINERS = ("securityContext",)
# Fields of which the sentences here tell.
KNOWN = re.compile(
    rf"\.(?:{'|'.join(OF_PODS)})\b|metadata\.labels\b|_PROXY\b|hostPath\b|data(?:\.|\[\")[\w.-]*(?:crt|pem)\b"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """A change that somebody has to look at."""

    subject: str
    said: str
    """The rest of the sentence about the subject."""

    short: str
    """A shorter form of the rest, for the headline."""

    known: bool = True
    """False if this plan does not know what the change means."""

    paths: tuple[str, ...] = ()
    """The changed fields, if this plan does not know what their change means."""

    def sentence(self, style: Style) -> str:
        """The whole sentence."""
        fields = f"changes {', '.join(map(style.name, self.paths))}, and " if self.paths else ""
        return f"{style.name(self.subject)} {fields}{prose(self.said, style)}"

    @property
    def kind(self) -> str:
        """Kind of the object."""
        return self.subject.partition(" ")[0]


def concerns(steps: Sequence[Step]) -> list[Concern]:
    """The concerns of a plan, those with a known meaning first; `steps` are all of the preview."""
    # Of a CA certificate that clients trust the interruptions tell, wherever else it is mounted.
    told = {part(step.new, "data").get(CERTIFICATE) for step in steps if step.op != "same" and _name(step) == AUTHORITY}
    changed = [step for step in steps if step.op in {"update", "replace"}]
    found = [
        one for step in changed if part(step.new, "data").get(CERTIFICATE, "") not in told for one in _of(step, steps)
    ]
    said = {part(step.new, "data").get(CERTIFICATE, "") for step in changed} & told
    found += [
        one
        for step in changed
        if part(step.new, "data").get(CERTIFICATE, "") not in said
        for one in _unknown(step, {each.subject for each in found})
    ]
    found += list(_new_and_gone(steps))
    return sorted(dict.fromkeys(found), key=lambda one: (not one.known, one.subject, one.said))


def _of(step: Step, steps: Sequence[Step]) -> Iterator[Concern]:
    if step.kind in WORKLOADS:
        yield from _of_images(step)
        yield from _of_proxies(step, _variables(pod(step.old)), _variables(pod(step.new)), steps)
        yield from _of_privileges(step)
        yield from _of_labels(step, steps)
    elif step.kind in NAMESPACES:
        yield from _of_namespace(step, steps)
    elif step.kind == "ConfigMap":
        yield from _of_authorities(step)
        # Programs of teams read their proxy here.
        old, new = (cast("dict[str, str]", part(inputs, "data")) for inputs in (step.old, step.new))
        yield from _of_proxies(step, old, new, steps)


def _name(step: Step) -> object:
    return part(step.new, "metadata").get("name")


def _of_images(step: Step) -> Iterator[Concern]:
    old, new = (containers(pod(inputs)) for inputs in (step.old, step.new))
    for name, container in new.items():
        image, before = (str(one.get("image", "")) for one in (container, old.get(name, {})))
        if name not in old:
            said = f"gets another container, {name}, with the image {image}"
            yield Concern(subject=step.object, said=said, short=f"gets another container, {name}")
        elif _source(image) != _source(before):
            said = (
                f"runs {_source(image)} in container {name} instead of {_source(before)}: whoever can write there"
                " decides what runs with its rights"
            )
            short = f"runs an image from {_source(image)} instead of {_source(before)}"
            yield Concern(subject=step.object, said=said, short=short)


def _source(image: str) -> str:
    """The registry and the path of an image, without version and digest."""
    place, _, name = image.partition("@")[0].rpartition("/")
    return f"{place}/{name.partition(':')[0]}".lstrip("/")


def _of_proxies(step: Step, old: Mapping[str, str], new: Mapping[str, str], steps: Sequence[Step]) -> Iterator[Concern]:
    changed = sorted({name.upper() for name in {*old, *new} if old.get(name) != new.get(name)})
    whose = "programs that read it send" if step.kind == "ConfigMap" else "sends"
    if proxies := [name for name in changed if name in PROXIES]:
        value = next((new[name] for name in new if name.upper() == proxies[0]), "")
        to = f"through the proxy {value}, which sees where they go" if value else "without the proxy of before"
        trusted = any(_has_other_authorities(one) for one in steps if one.op in {"create", "update", "replace"})
        can = (
            "this plan changes CA certificates too: a proxy with a certificate of one of these can read and change them"
            if trusted
            else "if it also trusts a CA certificate of that proxy, the proxy can read them"
        )
        # A ConfigMap sends nothing itself.
        short = f"{whose} {'' if step.kind == 'ConfigMap' else 'its '}requests {to.partition(',')[0]}"
        yield Concern(subject=step.object, said=f"{short}{to.removeprefix(to.partition(',')[0])}; {can}", short=short)
    elif EXCEPTIONS in changed:
        before, after = (
            next((one[name] for name in one if name.upper() == EXCEPTIONS), "") or "none" for one in (old, new)
        )
        said = (
            f"excepts other hosts from its proxy ({after}; before: {before}): to those no longer excepted requests go"
            " through the proxy, which sees where they go, and to new ones past it"
        )
        yield Concern(subject=step.object, said=said, short="excepts other hosts from its proxy")


def _of_privileges(step: Step) -> Iterator[Concern]:
    before, after = pod(step.old), pod(step.new)
    pairs = [(name, before.get(name), after.get(name)) for name in OF_PODS]
    old, new = containers(before), containers(after)
    pairs += [
        (f"{name} of container {each}", old[each].get(name), new[each].get(name))
        for each in sorted(old.keys() & new.keys())
        for name in OF_CONTAINERS
    ]
    pairs.append(("volumes from the node", _host_paths(before), _host_paths(after)))
    for name, ours, theirs in pairs:
        if (ours or None) != (theirs or None):
            said = f"has other privileges: {name} is {_words(theirs)}, and was {_words(ours)}"
            yield Concern(subject=step.object, said=said, short="has other privileges")


def _host_paths(pod: Json) -> list[str]:
    return sorted(str(part(one, "hostPath").get("path")) for one in parts(pod, "volumes") if "hostPath" in one)


def _of_labels(step: Step, steps: Sequence[Step]) -> Iterator[Concern]:
    old, new = pod_labels(step.old), pod_labels(step.new)
    if old != new:
        found = "; ".join(dependents(step, steps)) or "no Service, PodDisruptionBudget or rule here is about them"
        said = f"gives its pods other labels ({_changed(old, new)}): {found}"
        yield Concern(subject=step.object, said=said, short="gives its pods other labels")


def _of_namespace(step: Step, steps: Sequence[Step]) -> Iterator[Concern]:
    old, new = (_labels(inputs) for inputs in (step.old, step.new))
    before, after = (labels.get(ENFORCE, "privileged") for labels in (old, new))
    if LEVELS.get(after, 0) < LEVELS.get(before, 0):
        said = f"admits pods of the Pod Security level {after} (before: {before}): they may do more on their node"
        yield Concern(subject=step.object, said=said, short=f"admits pods of the Pod Security level {after}")
    others = {name for name in {*old, *new} - {ENFORCE} if old.get(name) != new.get(name)}
    if others:
        ours, theirs = ({name: value for name, value in one.items() if name in others} for one in (old, new))
        said = (
            f"has other labels ({_changed(ours, theirs)}): NetworkPolicies of other namespaces, admission webhooks and"
            f" the platform choose namespaces by their labels{''.join(_by_labels(step, old, new, steps))}"
        )
        yield Concern(subject=step.object, said=said, short="has other labels")


def _by_labels(step: Step, old: Mapping[str, str], new: Mapping[str, str], steps: Sequence[Step]) -> Iterator[str]:
    """Objects that select a namespace by labels that change, each as the end of a sentence."""
    name = {"kubernetes.io/metadata.name": str(_name(step))}
    for one in steps:
        spec = part(one.new, "spec") if one.kind == "NetworkPolicy" and one.op != "delete" else {}
        rules = [*parts(spec, "ingress"), *parts(spec, "egress")]
        peers = [peer for rule in rules for peer in (*parts(rule, "from"), *parts(rule, "to"))]
        selectors = [part(peer, "namespaceSelector") for peer in peers if "namespaceSelector" in peer]
        was, becomes = (any(selects(each, {**name, **labels}) for each in selectors) for labels in (old, new))
        if was != becomes:
            yield f"; {one.object} {'no longer ' if was else 'now '}is about its pods"
    if any(old.get(key) != new.get(key) for key in WORKSPACE_LABELS):
        yield "; MLflow shows a namespace as a workspace by one of these"


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return ", ".join(f"{name}: {_words(new.get(name))} (before: {_words(old.get(name))})" for name in names)


def _of_authorities(step: Step) -> Iterator[Concern]:
    if _has_other_authorities(step):
        said = (
            "has other CA certificates: whoever has the key of one can pose as any server to the pods that mount it,"
            " and read what they send"
        )
        yield Concern(subject=step.object, said=said, short="has other CA certificates")


def _has_other_authorities(step: Step) -> bool:
    old, new = part(step.old, "data"), part(step.new, "data")
    keys = {*old, *new} if step.kind == "ConfigMap" else set[str]()
    return any(AUTHORITIES.match(key) and old.get(key) != new.get(key) for key in keys)


def _new_and_gone(steps: Sequence[Step]) -> Iterator[Concern]:
    """Objects that are new in namespaces which exist already, or in the whole cluster, and those that are gone."""
    made, removed = (
        {str(_name(step)) for step in steps if step.kind in NAMESPACES and step.op == op} for op in ("create", "delete")
    )
    for step in steps:
        if unread.is_new(step, made):
            what = "which rights it gives" if step.kind in RIGHTS else "what it does"
            yield Concern(
                subject=step.object, said=f"is new, and {what} is not known to this plan", short="is new", known=False
            )
        elif unread.is_gone(step, removed):
            said = "is deleted, and what it guarded is not known to this plan"
            yield Concern(subject=step.object, said=said, short="is deleted", known=False)


def _unknown(step: Step, named: set[str]) -> Iterator[Concern]:
    """The changed fields whose meaning this plan does not know."""
    paths = unread.fields(step)
    if step.object in named:
        # What is known of the object has a sentence; the rest of it does not.
        paths = tuple(path for path in paths if not KNOWN.search(path))
    if paths:
        said = "what that means is not known to this plan"
        short = "changes in a way that this plan does not know"
        yield Concern(subject=step.object, said=said, short=short, known=False, paths=paths)


def _variables(pod: Json) -> dict[str, str]:
    """Values of the environment variables; those of several containers are joined."""
    found: dict[str, str] = {}
    for container in containers(pod).values():
        for one in parts(container, "env"):
            name = str(one.get("name"))
            value = str(one.get("value") if "value" in one else one.get("valueFrom"))
            found[name] = value if found.get(name, value) == value else f"{found[name]} and {value}"
    return found


def _labels(inputs: Json) -> Mapping[str, str]:
    return cast("Mapping[str, str]", part(inputs, "metadata", "labels"))


def _words(value: Any) -> str:  # noqa: ANN401 - any JSON
    return "not set" if value in (None, "", [], {}) else str(value)
