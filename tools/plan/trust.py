"""Trust: changes of what runs in pods, of its privileges, and of whom it trusts.

No other part of a plan reads these fields. Some changes have a meaning that is the same for every pod; any other change
of a field that security depends on is named as one whose meaning is not known, so that it never passes as safe.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from components.team.namespace import DESCRIPTION_ANNOTATION
from tools.access.words import Style, prose
from tools.plan.differences import at, is_renamed
from tools.plan.interruptions import AUTHORITY, CERTIFICATE
from tools.plan.preview import Json, Step, part, parts

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"})
NAMESPACES = frozenset({"Namespace", "NamespacePatch"})
RIGHTS = frozenset({"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"})
PROXIES = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"})
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
# Kinds whose every change is named if the plan would be safe otherwise, and fields that mean nothing for security.
# NetworkPolicies are read field by field (`networks.py`).
KINDS = WORKLOADS | NAMESPACES | RIGHTS | {
    "Gateway", "HTTPRoute", "Ingress", "MutatingWebhookConfiguration", "ServiceAccount", "ValidatingAdmissionPolicy",
    "ValidatingWebhookConfiguration",
}  # fmt: skip
HARMLESS = re.compile(
    r"spec\.(?:replicas|suspend|schedule|strategy|updateStrategy|revisionHistoryLimit|progressDeadlineSeconds"
    r"|minReadySeconds|backoffLimit|activeDeadlineSeconds|ttlSecondsAfterFinished|\w*JobsHistoryLimit"
    r"|startingDeadlineSeconds)\b.*"
    r"|spec\.(?:\w+\.)*template\.spec\.(?:affinity|nodeSelector|tolerations|topologySpreadConstraints|priorityClassName"
    r"|terminationGracePeriodSeconds|imagePullSecrets)\b.*"
    r"|spec\.(?:\w+\.)*template\.spec\.(?:initContainers|containers)\[\d+\]\.(?:resources|\w+Probe|imagePullPolicy)\b.*"
    # Versions of one image, as far as nothing else changes; other images are named by themselves.
    r"|spec\.(?:\w+\.)*template\.spec\.(?:initContainers|containers)\[\d+\]\.image"
    # Pulumi's provider writes these.
    r"|metadata\.annotations\[\"pulumi\.com/\w+\"\]"
    rf"|metadata\.annotations\[\"{re.escape(DESCRIPTION_ANNOTATION)}\"\]"
    # Checksums of configuration, by which pods restart.
    r"|spec\.template\.metadata\.annotations\[\"[^\"]*(?:checksum|rotation|digest)[^\"]*\"\]"
)
# Options and variables whose names say that somebody is let in, trusted, or shown a secret.
WORDS = re.compile(
    r"allow|audience|auth|ca[-_]?file|cert|cookie|cors|domain|group|insecure|issuer|jwt|login|origin|proxy|redirect"
    r"|secret|skip|ssl|tls|token|trust|user|verify|whitelist",
    re.IGNORECASE,
)
CODE = re.compile(r"spec\.(?:\w+\.)*template\.spec\.(?:initContainers|containers)\[\d+\]\.(?:env|args|command)\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """A change that somebody has to look at."""

    subject: str
    said: str
    """The rest of the sentence about the subject."""

    short: str
    """A shorter one, for the headline."""

    known: bool = True
    """False if this plan does not know what the change means."""

    paths: tuple[str, ...] = ()
    """The fields that change, if it does not know what that means."""

    def sentence(self, style: Style) -> str:
        """The whole sentence."""
        fields = f"changes {', '.join(map(style.name, self.paths))}, and " if self.paths else ""
        return f"{style.name(self.subject)} {fields}{prose(self.said, style)}"

    @property
    def kind(self) -> str:
        """Kind of the object."""
        return self.subject.partition(" ")[0]


def concerns(steps: Sequence[Step]) -> list[Concern]:
    """The concerns about updated and replaced objects, those with a known meaning first."""
    # Of a CA certificate that clients trust the interruptions tell, wherever else it is mounted.
    told = {part(step.new, "data").get(CERTIFICATE) for step in steps if _name(step) == AUTHORITY}
    changed = [step for step in steps if step.op in {"update", "replace"}]
    found = [one for step in changed if part(step.new, "data").get(CERTIFICATE, "") not in told for one in _of(step)]
    named = {one.subject for one in found}
    found += [one for step in changed if step.object not in named for one in _unknown(step)]
    found += list(_new_rights(steps))
    return sorted(dict.fromkeys(found), key=lambda one: (not one.known, one.subject, one.said))


def _of(step: Step) -> Iterator[Concern]:
    if step.kind in WORKLOADS:
        yield from _of_images(step)
        yield from _of_proxies(step)
        yield from _of_privileges(step)
    elif step.kind in NAMESPACES:
        yield from _of_namespace(step)
    elif step.kind == "ConfigMap":
        yield from _of_authorities(step)


def _name(step: Step) -> object:
    return part(step.new, "metadata").get("name")


def _of_images(step: Step) -> Iterator[Concern]:
    old, new = (_containers(_pod(inputs)) for inputs in (step.old, step.new))
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


def _of_proxies(step: Step) -> Iterator[Concern]:
    old, new = (_variables(_pod(inputs)) for inputs in (step.old, step.new))
    changed = sorted({name.upper() for name in {*old, *new} if old.get(name) != new.get(name)} & PROXIES)
    if changed:
        value = next((new[name] for name in new if name.upper() == changed[0]), "")
        to = f"through the proxy {value}, which sees where they go" if value else "without the proxy of before"
        yield Concern(
            subject=step.object,
            said=f"sends its requests {to}; if it also trusts a CA certificate of that proxy, the proxy can read them",
            short=f"sends its requests {to.partition(',')[0]}",
        )


def _of_privileges(step: Step) -> Iterator[Concern]:
    before, after = _pod(step.old), _pod(step.new)
    pairs = [(name, before.get(name), after.get(name)) for name in OF_PODS]
    old, new = _containers(before), _containers(after)
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


def _of_namespace(step: Step) -> Iterator[Concern]:
    old, new = (_labels(inputs) for inputs in (step.old, step.new))
    before, after = (labels.get(ENFORCE, "privileged") for labels in (old, new))
    if LEVELS.get(after, 0) < LEVELS.get(before, 0):
        said = f"admits pods of the Pod Security level {after} (before: {before}): they may do more on their node"
        yield Concern(subject=step.object, said=said, short=f"admits pods of the Pod Security level {after}")
    others = sorted(name for name in {*old, *new} - {ENFORCE} if old.get(name) != new.get(name))
    if others:
        listed = ", ".join(f"{name}: {_words(new.get(name))} (before: {_words(old.get(name))})" for name in others)
        said = (
            f"has other labels ({listed}): NetworkPolicies of other namespaces, admission webhooks and the platform"
            " choose namespaces by their labels"
        )
        yield Concern(subject=step.object, said=said, short="has other labels")


def _of_authorities(step: Step) -> Iterator[Concern]:
    old, new = part(step.old, "data"), part(step.new, "data")
    if any(AUTHORITIES.match(key) and old.get(key) != new.get(key) for key in {*old, *new}):
        said = (
            "has other CA certificates: whoever has the key of one can pose as any server to the pods that mount it,"
            " and read what they send"
        )
        yield Concern(subject=step.object, said=said, short="has other CA certificates")


def _new_rights(steps: Sequence[Step]) -> Iterator[Concern]:
    """Roles and bindings that are new in namespaces that exist already, or in the whole cluster."""
    new = {_name(step) for step in steps if step.kind in NAMESPACES and step.op == "create"}
    for step in steps:
        if step.kind in RIGHTS and step.op == "create" and part(step.new, "metadata").get("namespace") not in new:
            said = "is new, and which rights it gives is not known to this plan"
            yield Concern(subject=step.object, said=said, short="is new", known=False)


def _unknown(step: Step) -> Iterator[Concern]:
    """The fields that this plan does not know the meaning of. Jobs are created anew for every change."""
    if step.kind in KINDS and not (step.op == "replace" and step.kind in WORKLOADS):
        paths = tuple(
            path
            for path in step.changed
            if not HARMLESS.fullmatch(path)
            and _matters(step, path)
            # Another name that Pulumi has made, of an object that is replaced.
            and not is_renamed(at(step.old, path), at(step.new, path))
        )
        if paths:
            said = "what that means is not known to this plan"
            short = "changes in a way that this plan does not know"
            yield Concern(subject=step.object, said=said, short=short, known=False, paths=paths)


def _matters(step: Step, path: str) -> bool:
    """False for options and variables whose names have nothing to do with access."""
    if not CODE.match(path):
        return True
    before, after = (_words_of(_pod(inputs)) for inputs in (step.old, step.new))
    return any(WORDS.search(word) for word in before ^ after)


def _words_of(pod: Json) -> set[str]:
    """Options, and variables with their values, of all containers."""
    found = {f"{name}={value}" for name, value in _variables(pod).items()}
    for container in _containers(pod).values():
        for key in ("command", "args"):
            found |= {str(word) for word in container.get(key) or ()}
    return found


def _pod(inputs: Json) -> Json:
    if template := part(inputs, "spec", "jobTemplate", "spec", "template", "spec"):
        return template
    return part(inputs, "spec", "template", "spec") or part(inputs, "spec")


def _containers(pod: Json) -> dict[str, Json]:
    return {str(one.get("name")): one for key in ("initContainers", "containers") for one in parts(pod, key)}


def _variables(pod: Json) -> dict[str, str]:
    """Values of the environment variables; those of several containers are joined."""
    found: dict[str, str] = {}
    for container in _containers(pod).values():
        for one in parts(container, "env"):
            name = str(one.get("name"))
            value = str(one.get("value") if "value" in one else one.get("valueFrom"))
            found[name] = value if found.get(name, value) == value else f"{found[name]} and {value}"
    return found


def _labels(inputs: Json) -> Mapping[str, str]:
    return cast("Mapping[str, str]", part(inputs, "metadata", "labels"))


def _words(value: Any) -> str:  # noqa: ANN401 - any JSON
    return "not set" if value in (None, "", [], {}) else str(value)
