"""Rules of the section `retention`."""

from collections.abc import Iterator

from settings.faults import Fault
from settings.partial import key, known
from settings.schema.retention import Retention, TeamRetention
from settings.schema.stack import Settings


def archive_before_deletion(settings: Settings) -> Iterator[Fault]:
    """Check that no traces are deleted before they would be archived."""
    yield from known(_default(settings))
    for team in settings.teams:
        yield from known(_team(settings, team))


def _default(settings: Settings) -> Iterator[Fault]:
    yield from _order(settings.retention, settings.retention, "traces")


def _team(settings: Settings, team: str) -> Iterator[Fault]:
    merged = settings.team(team)
    own = merged.own.retention
    if own.trace_days is not None or own.archive_days is not None:
        yield from _order(merged.retention, settings.retention if own.trace_days is None else own, f"traces of {team}")


def _order(days: Retention, section: Retention | TeamRetention, what: str) -> Iterator[Fault]:
    """Compare two ages; `section` is the one that sets the age of deletion."""
    if days.trace_days and days.trace_days <= days.archive_days:
        path = key(section, lambda one: one.trace_days)
        yield Fault(
            path,
            f"deletes {what} after {days.trace_days} days, before they are archived after {days.archive_days}",
            f"set {path} {days.archive_days + 1}",
        )


RULES = (archive_before_deletion,)
