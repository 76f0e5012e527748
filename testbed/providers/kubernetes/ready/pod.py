"""When a Pod is ready, and what a Pod that is not says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from testbed.providers.kubernetes.kinds import short_name
from testbed.providers.kubernetes.ready.rule import Rule, Sight, condition, holds
from testbed.providers.values import Json, Object, dig, objects, text, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

_PULL_PREFIX: Final = "rpc error: code = Unknown desc = Error response from daemon: "
_PULL_SUFFIX: Final = ": manifest unknown"


def pod_ready(pod: Json) -> bool:
    """Say whether a pod is scheduled, initialised, and ready or done."""
    done = text(pod, "status", "phase") == "Succeeded"
    return holds(pod, "PodScheduled") and holds(pod, "Initialized") and (holds(pod, "Ready") or done)


def pod_warnings(pods: Iterable[Object]) -> list[str]:
    """Return a line for each pod that can say why it is not ready.

    A pod that nobody could schedule says nothing here: the real provider shows that in the status
    column only. Containers of `initContainers` are not looked at either.
    """
    return [warning for pod in pods if (warning := _warning(pod))]


def _warning(pod: Object) -> str:
    if not holds(pod, "PodScheduled"):
        return ""
    waiting_for = "Ready" if holds(pod, "Initialized") else "Initialized"
    found = condition(pod, waiting_for)
    if found is None or pod_ready(pod):
        return ""
    containers = "\n".join(
        line for status in objects(pod, "status", "containerStatuses") for line in _container_lines(status)
    )
    message = text(found, "message")
    if not containers and not message:
        return ""
    return f"[Pod {short_name(pod)}]: {message if text(found, 'reason') else ''}{containers}"


def unschedulable(pods: Iterable[Object]) -> str:
    """Return why a pod found no node; for the status column."""
    for pod in pods:
        found = condition(pod, "PodScheduled")
        if found and text(found, "status") != "True" and text(found, "message"):
            return text(found, "message")
    return ""


def _container_lines(status: Object) -> list[str]:
    if status.get("ready") is True:
        return []
    lines: list[str] = []
    waiting = dig(status, "state", "waiting")
    if waiting and text(waiting, "reason") != "ContainerCreating":
        lines.append(f"[{text(waiting, 'reason')}] {_trim(text(waiting, 'message'))}")
    ended = dig(status, "state", "terminated")
    name = text(status, "name")
    if ended and text(ended, "reason"):
        if text(ended, "message"):
            lines.append(f"[{text(ended, 'reason')}] {_trim(text(ended, 'message'))}")
        else:
            code = whole(ended, "exitCode")
            lines.append(f'container "{name}" completed with exit code {code}')
    before = dig(status, "lastState", "terminated")
    if before:
        reason, code = text(before, "reason"), whole(before, "exitCode")
        at = text(before, "finishedAt")
        lines.append(f'container "{name}" terminated at {at} ({reason}: exit code {code})')
        if text(before, "message"):
            lines.append(text(before, "message"))
    return lines


def _trim(message: str) -> str:
    return message.removeprefix(_PULL_PREFIX).removesuffix(_PULL_SUFFIX)


class Pod(Rule):
    """A Pod by itself."""

    timer_restarts: ClassVar[bool] = True
    _last: Object | None = None

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge the conditions; a pod that succeeded is ready too."""
        del now
        self._last = sight.live
        self.progress = unschedulable([sight.live] if sight.live else [])
        return sight.live is not None and pod_ready(sight.live)

    def reasons(self) -> list[str]:
        """Say what its containers say."""
        return pod_warnings([self._last] if self._last else [])
