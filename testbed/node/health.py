"""What the cluster says of itself, reduced to what a person has to know."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from testbed.node.objects import Object

# The embedded cluster's own; the platform's are the platform's concern.
ADDONS = (("kube-system", "network-policies"), ("kube-system", "coredns"), ("traefik", "traefik"))
OWN_NAMESPACES = frozenset({"kube-system", "traefik"})

NAMED = 2
NOT_RESTARTED = "not started again since the node started"


@dataclass(frozen=True)
class Trouble:
    """One thing that is not as it should be."""

    what: str
    why: str
    own: bool = True
    """Whether it is the embedded cluster's own, not the platform's."""


def in_short(troubles: list[Trouble]) -> str | None:
    """Say the first few in one line; None when there are none."""
    named = "; ".join(f"{trouble.what}: {trouble.why}" for trouble in troubles[:NAMED])
    return f"{named}; and {len(troubles) - NAMED} more" if len(troubles) > NAMED else named or None


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


def node_trouble(objects: Iterable[Object]) -> Trouble | None:
    """Tell why the node is not Ready, if so."""
    for one in objects:
        if one["kind"] == "Node":
            ready, reason = _condition(one, "Ready")
            return None if ready else Trouble(f"node {one['metadata']['name']}", reason)
    return Trouble("node", "it has not registered with the API server")


def addon_troubles(objects: Iterable[Object]) -> list[Trouble]:
    """Tell which of the cluster's own Deployments are not available."""
    deployments = {
        (one["metadata"].get("namespace", ""), one["metadata"]["name"]): one
        for one in objects
        if one["kind"] == "Deployment"
    }
    troubles: list[Trouble] = []
    for namespace, name in ADDONS:
        one = deployments.get((namespace, name))
        available, reason = _condition(one, "Available") if one else (False, "it does not exist")
        if not available:
            troubles.append(Trouble(f"deployment {namespace}/{name}", reason))
    return troubles


def _last_start(pod: Object) -> datetime | None:
    """Return when the newest of the pod's running containers started."""
    running = (container["state"].get("running") for container in pod["status"].get("containerStatuses", []))
    return max((datetime.fromisoformat(one["startedAt"]) for one in running if one), default=None)


def pod_troubles(objects: Iterable[Object], node_start: datetime) -> list[Trouble]:
    """Tell which pods should be ready and are not.

    Args:
        objects: of the cluster.
        node_start: when the node started; what the API server says of containers older than that is a memory
            from before the node was stopped.
    """
    troubles: list[Trouble] = []
    for one in objects:
        phase = one["status"].get("phase", "")
        if one["kind"] != "Pod" or phase == "Succeeded" or "deletionTimestamp" in one["metadata"]:
            continue
        if phase == "Failed" and "ownerReferences" in one["metadata"]:
            continue  # a Job's or Deployment's earlier attempt; its owner has made another
        namespace = one["metadata"].get("namespace", "")
        name = f"pod {namespace}/{one['metadata']['name']}"
        ready, reason = _condition(one, "Ready")
        started = _last_start(one)
        if started and started < node_start:
            troubles.append(Trouble(name, NOT_RESTARTED, own=namespace in OWN_NAMESPACES))
        elif not ready:
            why = _container_reason(one) or f"{phase}, {reason}"
            troubles.append(Trouble(name, why, own=namespace in OWN_NAMESPACES))
    return troubles
