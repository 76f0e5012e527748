"""Interruptions: for how long a plan takes something away from its users, and why."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.plan.preview import Json, Step, part, parts

# Pauses of 0, 4, 8, 16, 32, 64 and 120 s before the seven repetitions of MLflow's client 3.17.
REPEATS = "MLflow's client repeats a failed call for about four minutes"
# What people miss without a workload, by the name of its object.
ROLES = {
    "mlflow": "MLflow",
    "postgres": "MLflow",
    "object-store": "uploads and downloads of artifacts",
    "dex": "signing in",
    "forward-auth": "the login",
    "session-store": "sessions in browsers",
    "webhook-proxy": "deliveries of webhooks",
}
# What they need to know besides.
REMARKS = {
    "mlflow": REPEATS,
    "postgres": f"MLflow needs this database; {REPEATS}",
    "session-store": "everybody signs in again",
    "webhook-proxy": "they are tried again",
}
# Seconds until a single pod that was stopped answers again, with room: it is stopped, started and probed every five
# seconds. A server's start takes 12 to 14 s of CPU.
RESTART_SECONDS = {"postgres": 30, "object-store": 30, "mlflow": 60}
USUAL_SECONDS = 30
# A change of an RDS instance's class or engine: AWS says one to two minutes for the fail-over of a Multi-AZ instance; a
# single one is away while it is modified.
FAILOVER_SECONDS, MODIFIED_SECONDS = 120, 900
REBOOTING = ("instanceClass", "engineVersion", "parameterGroupName", "storageType", "caCertIdentifier")
TEMPLATE = "spec.template"
ELSEWHERE = "without it from now on, as said above"
UNUSED = "it is deleted; MLflow uses another place from then on"
# Source of the lengths at AWS.
AWS = "AWS"
# The ConfigMap with the CA certificate that programs of a team trust.
AUTHORITY, CERTIFICATE = "mlflow-ca", "ca.crt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Interruption:
    """An interruption that users notice."""

    subject: str
    who: str
    """Service that users cannot use meanwhile, such as `MLflow`."""

    seconds: int | None
    """Longest duration to expect; None if the interruption does not end by itself."""

    why: str
    ends: str = ""
    """Name of what ends, for example an address, if it is not the subject itself."""

    until: str = ""
    """Condition that ends an interruption which does not end by itself; empty if there is none."""

    becomes: tuple[str, ...] = ()
    """Addresses that replace the one that ends."""

    short: str = ""
    """Text for the headline about an interruption that does not end by itself; empty if another reason says it."""

    source: str = ""
    """Source of the length of the interruption; empty if it was measured on the test cluster."""


def interruptions(
    steps: Sequence[Step], *, another_login: bool = False, unused: Collection[str] = ()
) -> list[Interruption]:
    """The interruptions of a plan, the longest first.

    Args:
        steps: the plan's steps.
        another_login: true if people sign in in another way.
        unused: objects whose data MLflow looks for elsewhere from now on.
    """
    served = {host for step in steps for host in hosts(step.new)}
    found = [*(one for step in steps for one in _of(step, served)), *_distrusted(steps)]
    if another_login:
        found = [
            replace(one, who=ELSEWHERE, why=f"people sign in {ELSEWHERE}", short="") if _is_login(one) else one
            for one in found
        ]
    found = [replace(one, why=UNUSED) if one.subject in unused and not one.seconds else one for one in found]
    return sorted(found, key=lambda one: (one.seconds is not None, -(one.seconds or 0), one.subject))


def rolling(steps: Sequence[Step]) -> list[str]:
    """Workloads whose pods are replaced one by one, each when its successor is ready."""
    return sorted(
        step.object for step in steps if step.op == "update" and _restarts(step) and not list(_workload(step))
    )


def _is_login(one: Interruption) -> bool:
    """True for the end of the development identity provider, or of its address."""
    return one.seconds is None and one.subject.endswith("/dex")


def _of(step: Step, served: set[str]) -> Iterator[Interruption]:
    if step.kind in {"Deployment", "StatefulSet"}:
        yield from _workload(step)
    elif step.kind == "Namespace" and step.op == "delete" and not step.retained[0]:
        yield Interruption(
            subject=step.object, who="all pods in it", seconds=None, why="it is deleted, and all pods in it end"
        )
    elif step.kind in {"Ingress", "HTTPRoute"}:
        yield from _address(step, served)
    elif step.kind == "Instance" and step.type.startswith("aws:rds"):
        yield from _database(step)


def _workload(step: Step) -> Iterator[Interruption]:
    name = _name(step)
    seconds = RESTART_SECONDS.get(name, USUAL_SECONDS)
    who = ROLES.get(name, step.object)
    if step.op == "delete":
        why = (
            "it is deleted"
            if who == step.object
            else f"it is deleted; it served {who}, and this plan does not check that something else does"
        )
        yield Interruption(subject=step.object, who=step.object, seconds=None, why=why, short="is deleted")
    elif step.op == "replace":
        why = "it is deleted and created again"
        yield Interruption(subject=step.object, who=who, seconds=2 * seconds, why=why)
    elif step.op == "update" and _wanted(step.new) == 0 and _wanted(step.old):
        why = "it is scaled to no pod"
        yield Interruption(subject=step.object, who=who, seconds=None, why=why, short="is scaled to no pod")
    elif step.op == "update" and _restarts(step) and _wanted(step.old) and not _is_rolling(step):
        yield Interruption(subject=step.object, who=who, seconds=seconds, why=_why(step))


def _why(step: Step) -> str:
    remark = REMARKS.get(_name(step), "")
    stopped = "its pods are" if _wanted(step.old) > 1 else "its one pod is"
    return f"{stopped} stopped before a new one starts{f'; {remark}' if remark else ''}"


def _name(step: Step) -> str:
    return str(part(step.new or step.old, "metadata").get("name") or step.name)


def _wanted(inputs: Json) -> int:
    found = part(inputs, "spec").get("replicas", 1)
    return int(found) if isinstance(found, int | float) else 1


def _restarts(step: Step) -> bool:
    return step.kind in {"Deployment", "StatefulSet"} and any(path.startswith(TEMPLATE) for path in step.changed)


def _is_rolling(step: Step) -> bool:
    """True if there is always a ready pod."""
    if step.kind == "StatefulSet":
        return _wanted(step.old) > 1 and _wanted(step.new) > 1
    strategy = part(step.new, "spec", "strategy")
    if strategy.get("type") == "Recreate":
        return False
    return part(strategy, "rollingUpdate").get("maxUnavailable", "25%") in {0, "0", "0%"} or _wanted(step.new) > 1


def hosts(inputs: Json) -> set[str]:
    """Host names of an Ingress or an HTTPRoute."""
    named = {str(rule["host"]) for rule in parts(inputs, "spec", "rules") if rule.get("host")}
    listed: Any = part(inputs, "spec").get("hostnames")
    return named | {str(one) for one in listed or ()}


def _address(step: Step, served: set[str]) -> Iterator[Interruption]:
    gone = sorted(hosts(step.old) - hosts(step.new) - served)
    if step.op in {"update", "replace", "delete"} and gone:
        successors = tuple(sorted(hosts(step.new) - hosts(step.old)))
        to = (
            "the old address, links and bookmarks to it do not work any more"
            if successors
            else "no address replaces it"
        )
        yield Interruption(
            subject=step.object,
            who="the address",
            seconds=None,
            why=to,
            ends=", ".join(gone),
            becomes=successors,
            short=f"becomes {', '.join(successors)}" if successors else "is no longer an address",
        )
    elif step.op == "replace":
        why = "it is deleted and created again"
        yield Interruption(subject=step.object, who="everybody", seconds=USUAL_SECONDS, why=why)


def _distrusted(steps: Sequence[Step]) -> Iterator[Interruption]:
    """The interruption by a new CA certificate: clients that trust a copy of the old one reject the certificates."""
    found = [step for step in steps if step.kind == "ConfigMap" and step.op in {"update", "replace"}]
    changed = [
        step for step in found if part(step.old, "data").get(CERTIFICATE) != part(step.new, "data").get(CERTIFICATE)
    ]
    if any(_name(step) == AUTHORITY for step in changed):
        yield Interruption(
            subject=", ".join(step.object for step in changed if _name(step) == AUTHORITY),
            who="programs and browsers that trust a copy of the old one",
            seconds=None,
            why="pods that mount one of these get the new one by themselves",
            ends="CA certificate",
            until="until they trust the new one, which `pulumi stack output authority` prints after the `up`",
        )


def _database(step: Step) -> Iterator[Interruption]:
    changed = [path for path in step.changed if path.partition(".")[0] in REBOOTING]
    if step.op != "update" or not changed:
        return
    twice = step.new.get("multiAz") is True
    when = "" if step.new.get("applyImmediately") is True else ", in the next maintenance window"
    yield Interruption(
        subject=step.object,
        who=ROLES["postgres"],
        seconds=FAILOVER_SECONDS if twice else MODIFIED_SECONDS,
        why=f"a change of {', '.join(changed)} restarts the instance{', with a fail-over' if twice else ''}{when}",
        source=AWS,
    )
