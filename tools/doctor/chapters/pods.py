"""The fault of one pod."""

from datetime import datetime

from tools.doctor import messages
from tools.doctor.facts import Facts, Object, described, name_of, namespace_of, part, parts
from tools.doctor.fault import Fault

IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
CONFIGURATION = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
# A kill for memory that is older has no part in what is wrong now.
RECENT_SECONDS = 600


def is_ready(pod: Object) -> bool:
    """True if a pod is ready."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in parts(pod, "status", "conditions"))


def fault(facts: Facts, pod: Object) -> Fault | None:
    """The reason why a pod does not serve; None if it does."""
    subject = described("Pod", namespace_of(pod), name_of(pod))
    describe = f"kubectl describe pod {name_of(pod)} --namespace={namespace_of(pod)}"
    for condition in parts(pod, "status", "conditions"):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Fault(
                cause="unschedulable",
                subject=subject,
                what="no node can run it: nodes, resources or volumes are missing",
                evidence=condition.get("message", ""),
                mend=describe + _chosen_nodes(condition.get("message", "")),
            )
    statuses = [*parts(pod, "status", "initContainerStatuses"), *parts(pod, "status", "containerStatuses")]
    for status in statuses:
        if found := _container(facts, pod, status, subject, describe):
            return found
    return None if is_ready(pod) else _not_ready(facts, pod, statuses, subject, describe)


def _chosen_nodes(message: str) -> str:
    """Where the stack file says on which nodes pods may run, if the scheduler's message is about that."""
    # The scheduler's words for a node selector and for taints.
    if "node affinity/selector" in message or "untolerated taint" in message:
        return "  # scheduling.nodeSelector and scheduling.tolerations in the stack file (docs/scheduling.md)"
    return ""


def _container(facts: Facts, pod: Object, status: Object, subject: str, describe: str) -> Fault | None:
    waiting = part(status, "state", "waiting")
    name = f"container {status['name']}"
    if waiting.get("reason") in IMAGE:
        return Fault(
            cause="image",
            subject=subject,
            what=f"the image of {name} cannot be pulled: {status.get('image', '')}",
            evidence=waiting.get("message", ""),
            mend=f"{describe}  # correct the image or its pull Secret in the stack file (docs/images.md), "
            f"then {facts.redeploy}",
        )
    if waiting.get("reason") in CONFIGURATION:
        return Fault(
            cause="configuration",
            subject=subject,
            what=f"{name} cannot be started as it is configured",
            evidence=waiting.get("message", ""),
            mend=facts.redeploy,
        )
    ended = part(status, "state", "terminated") or part(status, "lastState", "terminated")
    if ended.get("reason") == "OOMKilled" and (not status.get("ready") or _recently(facts, ended)):
        return Fault(
            cause="memory",
            subject=subject,
            what=f"{name} was OOM-killed: it used more memory than its limit",
            mend=f"{facts.make('up')}  # after raising its memory limit in the stack file (docs/sizing.md)",
        )
    if waiting.get("reason") == "CrashLoopBackOff" or (status["state"].get("terminated") and not status.get("ready")):
        return _crash(facts, pod, status, subject)
    return None


def _crash(facts: Facts, pod: Object, status: Object, subject: str) -> Fault | None:
    ended = part(status, "lastState", "terminated") or part(status, "state", "terminated")
    if ended.get("exitCode") == 0 and not status["state"].get("waiting"):
        # An init container that has done its work.
        return None
    log = log_of(facts, pod, status["name"])
    if found := messages.explained(facts, log):
        return found
    return Fault(
        cause="crash",
        subject=subject,
        what=f"container {status['name']} keeps crashing, with exit code {ended.get('exitCode')}",
        evidence=log,
        mend=f"kubectl logs {name_of(pod)} --container={status['name']} --previous --namespace={namespace_of(pod)}",
    )


def _not_ready(facts: Facts, pod: Object, statuses: list[Object], subject: str, describe: str) -> Fault:
    waiting = [one["name"] for one in statuses if not one.get("ready") and not _done(one)]
    for name in waiting:
        if found := messages.explained(facts, log_of(facts, pod, name)):
            return found
    events = [
        event.get("message", "")
        for event in facts.every("Event", namespace_of(pod))
        if event["involvedObject"]["name"] == name_of(pod) and event["reason"] in {"Unhealthy", "FailedMount"}
    ]
    names = ", ".join(waiting) or "its containers"
    return Fault(
        cause="not-ready",
        subject=subject,
        what=f"it is not ready ({names}): it is still starting, or does not answer its probe, so it gets no requests",
        evidence=events[-1] if events else "",
        mend=describe,
    )


def log_of(facts: Facts, pod: Object, container: str) -> str:
    """The line of a container's log that says most about its failure."""
    return str(facts.probe("logs").get(f"{name_of(pod)}/{container}") or "")


def _done(status: Object) -> bool:
    return part(status, "state", "terminated").get("exitCode") == 0


def _recently(facts: Facts, ended: Object) -> bool:
    finished = ended.get("finishedAt")
    return bool(finished) and facts.time - datetime.fromisoformat(finished).timestamp() < RECENT_SECONDS
