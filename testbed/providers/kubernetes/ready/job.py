"""When a Job is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from testbed.providers.kubernetes.ready.pod import pod_warnings
from testbed.providers.kubernetes.ready.rule import (
    PODS,
    NeverReadyError,
    Rule,
    Sight,
    condition,
    holds,
    owned,
)
from testbed.providers.values import dig, text, whole

if TYPE_CHECKING:
    from testbed.providers.values import Object

_HOPELESS: Final = frozenset({"BackoffLimitExceeded", "DeadlineExceeded"})


def job_done(job: Object) -> bool:
    """Say whether a job started and completed."""
    return dig(job, "status", "startTime") is not None and not job_failure(job) and holds(job, "Complete")


def job_failure(job: Object) -> str:
    """Return why a job failed for good; other failures are waited for, as the real one does."""
    failed = condition(job, "Failed")
    if failed is None or text(failed, "status") != "True" or text(failed, "reason") not in _HOPELESS:
        return ""
    return f"[{text(failed, 'reason')}] {text(failed, 'message')}"


class Job(Rule):
    """Complete, or failed at once."""

    looks_at = (PODS,)
    timer_restarts: ClassVar[bool] = True

    def __init__(self, written: Object, previous: Object | None) -> None:
        """Remember what pods said: a failed one may be gone when the job gives up."""
        super().__init__(written, previous)
        self._said: list[str] = []

    def ready(self, sight: Sight, now: float) -> bool:
        """Judge the conditions, and give up with the job."""
        del now
        job = sight.live
        if job is None:
            return False
        for warning in pod_warnings(owned(sight.of(PODS), job)):
            self._say(warning)
        status = dig(job, "status")
        self.progress = (
            f"Waiting for Job to succeed (Active: {whole(status, 'active')} | "
            f"Succeeded: {whole(status, 'succeeded')} | Failed: {whole(status, 'failed')})"
        )
        if failure := job_failure(job):
            self._said.insert(0, failure)
            raise NeverReadyError
        return job_done(job)

    def _say(self, warning: str) -> None:
        if warning not in self._said:
            self._said.append(warning)

    def ready_on_read(self, sight: Sight) -> bool:
        """Judge a failed job as not ready, not as an error of the read."""
        try:
            return self.ready(sight, 0.0)
        except NeverReadyError:
            return False

    def reasons(self) -> list[str]:
        """Say why the job gave up, and what its pods said."""
        return list(self._said)
