"""Seconds that can be restored, and the base backup and timeline to restore one from.

Each restore begins a new timeline, so a wall-clock time belongs to the timeline that was in use then. From a base
backup PostgreSQL reaches the time `to` if the backup had ended by then, if it is on the history of that timeline, and if
no write-ahead log between them was lost.

Pure functions: they use neither the store nor the database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

# PostgreSQL's default size of a file of write-ahead log.
SEGMENT_BYTES = 16 * 1024 * 1024


class OutOfRangeError(Exception):
    """The time cannot be restored; the message says which times can."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A complete base backup."""

    name: str
    timeline: int
    begin: datetime
    end: datetime
    end_position: int
    """Position in the write-ahead log at which the backup was consistent."""

    size: int
    """Bytes of the data directory."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A timeline of the database cluster: one for its beginning, and one more for each restore."""

    number: int
    since: datetime
    """Wall-clock time of the restore that began it."""

    before: datetime | None = None
    """Time of the last commit of the timeline before it whose write-ahead log is in the store; None if it is unknown."""

    forks: tuple[tuple[int, int], ...] = ()
    """Each earlier timeline in this one's history, with the position at which the next timeline begins."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Write-ahead log that was deleted before it was sent: the store did not answer, and the volume was nearly full."""

    timeline: int
    since: datetime
    """Time of the last commit before it."""

    until: datetime
    """Time of the deletion; base backups that begin later are not affected."""

    position: int
    """Place in the write-ahead log at which it begins."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Everything that the store has of one database cluster."""

    backups: tuple[Backup, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    """Timelines in the order of their numbers; the first one may be missing."""

    gaps: tuple[Gap, ...] = ()
    until: datetime | None = None
    """Time of the last commit whose write-ahead log is in the store."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Times that can be restored from one base backup."""

    since: datetime
    until: datetime
    backup: Backup
    timeline: int


@dataclass(frozen=True, kw_only=True)
class Range:
    """Times that can be restored without a break."""

    since: datetime
    until: datetime
    backups: tuple[str, ...] = field(default=())


def position(text: str) -> int:
    """Position in the write-ahead log, as PostgreSQL prints it: `1A/2B000060`."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def start_of(file: str) -> int:
    """Position at which a file of write-ahead log begins, by its name."""
    high, low = int(file[8:16], 16), int(file[16:24], 16)
    return (high << 32) + low * SEGMENT_BYTES


def forks(history: str) -> tuple[tuple[int, int], ...]:
    """Earlier timelines, each with the position at which the next one begins, from a `.history` file."""
    lines = [line.split("\t") for line in history.splitlines() if line.strip() and not line.startswith("#")]
    return tuple((int(line[0]), position(line[1])) for line in lines)


def spans(archive: Archive) -> Iterator[Span]:
    """For each timeline and each base backup that can reach it: the times that can be restored with both."""
    beginning = Timeline(number=1, since=datetime.min.replace(tzinfo=UTC))
    timelines = archive.timelines
    if not any(one.number == 1 for one in timelines):
        timelines = (beginning, *timelines)
    for index, timeline in enumerate(timelines):
        following = timelines[index + 1 : index + 2]
        left = [end for one in following for end in (one.since, one.before) if end is not None]
        for backup in archive.backups:
            if archive.until is None or not _reaches(backup, timeline):
                continue
            lost = [gap.since for gap in archive.gaps if gap.until > backup.begin and _concerns(gap, timeline)]
            span = Span(
                since=max(backup.end, timeline.since),
                until=min((archive.until, *left, *lost)),
                backup=backup,
                timeline=timeline.number,
            )
            if span.since <= span.until:
                yield span


def _reaches(backup: Backup, timeline: Timeline) -> bool:
    """True if a base backup is on a timeline, or on the part of an earlier one that belongs to its history."""
    if backup.timeline == timeline.number:
        return True
    return any(number == backup.timeline and backup.end_position <= left for number, left in timeline.forks)


def _concerns(gap: Gap, timeline: Timeline) -> bool:
    """True if the lost write-ahead log belongs to a timeline's history."""
    if gap.timeline == timeline.number:
        return True
    return any(number == gap.timeline and gap.position < left for number, left in timeline.forks)


def ranges(archive: Archive) -> list[Range]:
    """All times that can be restored, in order."""
    found: list[Range] = []
    for span in sorted(spans(archive), key=lambda one: (one.since, one.until)):
        last = found[-1] if found else None
        if last is None or span.since > last.until:
            found.append(Range(since=span.since, until=span.until, backups=(span.backup.name,)))
            continue
        names = last.backups if span.backup.name in last.backups else (*last.backups, span.backup.name)
        found[-1] = Range(since=last.since, until=max(last.until, span.until), backups=names)
    return found


def chosen(archive: Archive, to: datetime) -> Span:
    """The base backup and timeline to restore `to` from: those from which the least has to be replayed.

    Raises:
        OutOfRangeError: the time cannot be restored; the message has the ranges.
    """
    possible = [span for span in spans(archive) if span.since <= to <= span.until]
    if not possible:
        raise OutOfRangeError(f"{shown(to)} cannot be restored; {shown_ranges(ranges(archive))}")
    return max(possible, key=lambda span: (span.timeline, span.backup.end))


def newest(archive: Archive) -> Span:
    """The base backup and timeline to restore the end of the archive from.

    Raises:
        OutOfRangeError: there is nothing to restore.
    """
    if archive.until is None:
        raise OutOfRangeError(shown_ranges([]))
    return chosen(archive, archive.until)


def shown(time: datetime) -> str:
    """A time in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_ranges(found: Sequence[Range]) -> str:
    """The ranges as a part of a sentence; seconds are rounded into the range."""
    if not found:
        return "there is no complete base backup yet"
    return "what can be restored: " + ", ".join(f"{shown(rounded_up(one.since))} to {shown(one.until)}" for one in found)


def rounded_up(time: datetime) -> datetime:
    """The time, rounded up to a whole second."""
    whole = time.replace(microsecond=0)
    return whole if whole == time else whole + timedelta(seconds=1)
