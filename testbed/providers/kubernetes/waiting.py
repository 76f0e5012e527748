"""Waiting until an object is ready, or gone, with an end to every wait.

The real provider watches; this one looks again and again. It sees each state a little later and
may miss one that is over at once, which no rule depends on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.api_errors import ApiError, ClusterError
from testbed.providers.kubernetes.kinds import Kind, kind_of, name_of_object, namespace_of
from testbed.providers.kubernetes.ready.rule import MINUTE, PODS, NeverReadyError, Rule, Sight
from testbed.providers.values import strings, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.providers.kubernetes.work import Work
    from testbed.providers.values import Object

_LOOK_EVERY: Final = 0.5
_EVENTS_EVERY: Final = 10.0
_DELETION_TIMEOUT: Final = 10 * MINUTE
_EVENTS: Final = Kind("v1", "Event")


class NotReadyError(Exception):
    """The object exists and is not what it should be; carries its last state and the reasons."""

    def __init__(self, message: str, live: Object, reasons: Sequence[str]) -> None:
        """Keep what is to be saved."""
        super().__init__(message)
        self.live = live
        self.reasons = reasons


def look(work: Work, written: Object, rule: Rule) -> Sight:
    """Fetch what a rule has to see."""
    kind, namespace = kind_of(written), namespace_of(written)
    return Sight(
        work.cluster.find(kind, namespace, name_of_object(written)),
        {around: _around(work, around, namespace) for around in rule.looks_at},
    )


def _around(work: Work, kind: Kind, namespace: str) -> list[Object]:
    try:
        return work.cluster.list(kind, namespace)
    except ApiError:
        return []  # who may not list them waits without seeing them


def until_ready(work: Work, written: Object, rule: Rule, timeout: float | None) -> None:
    """Return when the rule says so; raise `NotReadyError` at the end of the time."""
    allowed = rule.timeout if timeout is None or rule.timeout_is_fixed else timeout
    deadline = time.monotonic() + allowed
    reporter = _Reporter(work, written)
    last, fingerprint = written, ""
    while True:
        try:
            sight = look(work, written, rule)
            last = sight.live or last
            if rule.ready(sight, time.monotonic()):
                work.status("")
                return
        except NeverReadyError:
            name = name_of_object(written)
            message = f"Resource '{name}' was created but failed to initialize"
            raise NotReadyError(message, last, rule.reasons()) from None
        except ClusterError as error:
            rule.progress = f"cannot look at the cluster: {error}"
        else:
            if rule.timer_restarts and (seen := _fingerprint(sight)) != fingerprint:
                fingerprint, deadline = seen, time.monotonic() + allowed
        reporter.report(rule.progress)
        if work.cancelled.wait(_LOOK_EVERY):
            message = f'Resource operation was cancelled for "{name_of_object(written)}"'
            raise NotReadyError(message, last, rule.reasons())
        if time.monotonic() >= deadline:
            message = rule.timeout_text.format(name=name_of_object(written))
            raise NotReadyError(message, last, rule.reasons())


def _fingerprint(sight: Sight) -> str:
    """Return something that changes with the object or the pods around it."""
    seen = [*([sight.live] if sight.live else []), *sight.of(PODS)]
    return " ".join(text(obj, "metadata", "resourceVersion") for obj in seen)


class _Reporter:
    """Tells the status column what is new: the rule's progress, and warnings about the object."""

    def __init__(self, work: Work, written: Object) -> None:
        self._work = work
        self._written = written
        self._told: set[str] = set()
        self._next_events = time.monotonic() + _EVENTS_EVERY

    def report(self, progress: str) -> None:
        if time.monotonic() >= self._next_events:
            self._next_events = time.monotonic() + _EVENTS_EVERY
            for message in self._warnings():
                self._tell(message, warning=True)
        self._tell(progress, warning=False)

    def _tell(self, message: str, *, warning: bool) -> None:
        if message and message not in self._told:
            self._told.add(message)
            self._work.engine.status(self._work.urn, message, warning=warning)

    def _warnings(self) -> list[str]:
        uid = text(self._written, "metadata", "uid")
        selector = f"type=Warning,involvedObject.uid={uid}"
        namespace = namespace_of(self._written) or "default"
        try:
            events = self._work.cluster.list(_EVENTS, namespace, fieldSelector=selector)
        except ClusterError:
            return []  # who may not read events still may deploy
        return [f"[{text(event, 'reason')}] {text(event, 'message')}" for event in events]


def until_gone(work: Work, live: Object, name: str, timeout: float | None) -> None:
    """Return when the object no longer exists; raise `NotReadyError` at the end of the time."""
    deadline = time.monotonic() + (_DELETION_TIMEOUT if timeout is None else timeout)
    kind, namespace = kind_of(live), namespace_of(live)
    while True:
        try:
            found = work.cluster.find(kind, namespace, name)
        except ApiError as error:
            work.engine.status(work.urn, f"unexpected error while checking cluster state: {error}")
        else:
            if found is None:
                return
            live = found
        if work.cancelled.wait(_LOOK_EVERY):
            message = f'Resource operation was cancelled for "{name}"'
            raise NotReadyError(message, live, [])
        if time.monotonic() >= deadline:
            finalizers = ", ".join(strings(live, "metadata", "finalizers"))
            work.engine.warn(work.urn, f"finalizers might be preventing deletion ({finalizers})")
            message = "timed out waiting for the condition"
            raise NotReadyError(message, live, [])
