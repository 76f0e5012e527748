"""Health of the cluster: problems found in the status of its objects."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from testbed.node.object_types import Object

# Deployments of the embedded cluster itself, not of the platform.
ADDONS = (("kube-system", "network-policies"), ("kube-system", "coredns"), ("traefik", "traefik"))
OWN_NAMESPACES = frozenset({"kube-system", "traefik"})

NAMED = 2
NOT_RESTARTED = "not restarted since the node started"


@dataclass(frozen=True)
class Problem:
    """An object that is not healthy, and the reason."""

    what: str
    why: str
    own: bool = True
    """True if the object belongs to the embedded cluster itself: `up` waits until such an object is healthy."""


def in_short(problems: list[Problem]) -> str | None:
    """Summarize problems in one line; None if there are none."""
    named = "; ".join(f"{problem.what}: {problem.why}" for problem in problems[:NAMED])
    return f"{named}; and {len(problems) - NAMED} more" if len(problems) > NAMED else named or None


def _condition(one: Object, kind: str) -> tuple[bool, str]:
    for condition in one["status"].get("conditions", []):
        if condition["type"] == kind:
            reason = condition.get("reason", "") or condition.get("message", "")
            return condition["status"] == "True", reason or f"not {kind}"
    return False, f"not {kind}"


def _container_reason(pod: Object) -> str | None:
    status = pod["status"]
    for container in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
        waiting = container["state"].get("waiting")
        if waiting and waiting["reason"] not in {"PodInitializing", "ContainerCreating"}:
            return f"{container['name']}: {waiting['reason']}"
    return None


def node_problem(objects: Iterable[Object]) -> Problem | None:
    """Return the reason why the node is not Ready; None if it is Ready."""
    for one in objects:
        if one["kind"] == "Node":
            ready, reason = _condition(one, "Ready")
            return None if ready else Problem(f"node {one['metadata']['name']}", reason)
    return Problem("node", "it has not registered with the API server")


def addon_problems(objects: Iterable[Object]) -> list[Problem]:
    """Return a problem for each of the cluster's own Deployments that is not available."""
    deployments = {
        (one["metadata"].get("namespace", ""), one["metadata"]["name"]): one
        for one in objects
        if one["kind"] == "Deployment"
    }
    problems: list[Problem] = []
    for namespace, name in ADDONS:
        one = deployments.get((namespace, name))
        available, reason = _condition(one, "Available") if one else (False, "it does not exist")
        if not available:
            problems.append(Problem(f"deployment {namespace}/{name}", reason))
    return problems


def _last_start(pod: Object) -> datetime | None:
    """Return the start time of the newest running container."""
    running = (container["state"].get("running") for container in pod["status"].get("containerStatuses", []))
    return max((datetime.fromisoformat(one["startedAt"]) for one in running if one), default=None)


def pod_problems(objects: Iterable[Object], node_start: datetime) -> list[Problem]:
    """Return the problems of pods: not ready, or not restarted since the node started.

    Args:
        objects: all objects of the cluster.
        node_start: start time of the node. If a pod's newest container is older, its status is from an earlier run.
    """
    problems: list[Problem] = []
    for one in objects:
        phase = one["status"].get("phase", "")
        if one["kind"] != "Pod" or phase == "Succeeded" or "deletionTimestamp" in one["metadata"]:
            continue
        if phase == "Failed" and "ownerReferences" in one["metadata"]:
            continue  # an earlier attempt of a Job or Deployment, which has created another pod since
        namespace = one["metadata"].get("namespace", "")
        name = f"pod {namespace}/{one['metadata']['name']}"
        # A pod without an owner, such as one that a killed test left behind, may never be ready again.
        own = namespace in OWN_NAMESPACES and "ownerReferences" in one["metadata"]
        ready, reason = _condition(one, "Ready")
        started = _last_start(one)
        if started and started < node_start:
            problems.append(Problem(name, NOT_RESTARTED, own=own))
        elif not ready:
            why = _container_reason(one) or f"{phase}, {reason}"
            problems.append(Problem(name, why, own=own))
    return problems
