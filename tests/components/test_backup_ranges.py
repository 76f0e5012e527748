"""Seconds that can be restored, and the backups they are restored from."""

from datetime import UTC, datetime, timedelta

import pytest

from components.scripts.backup_ranges import (
    SEGMENT_BYTES,
    Archive,
    Backup,
    Gap,
    OutOfRangeError,
    Timeline,
    chosen,
    forks,
    newest,
    position,
    ranges,
    shown_ranges,
    start_of,
)

START = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def backup(minutes: float, *, timeline: int = 1, end_position: int = 100) -> Backup:
    """A base backup that took a minute."""
    return Backup(
        name=f"b{minutes:g}",
        timeline=timeline,
        begin=at(minutes),
        end=at(minutes + 1),
        end_position=end_position,
        size=1,
    )


def spans_of(archive: Archive) -> list[tuple[datetime, datetime]]:
    return [(one.since, one.until) for one in ranges(archive)]


def test_any_second_from_the_end_of_the_first_backup_to_the_last_commit_can_be_restored() -> None:
    archive = Archive(backups=(backup(0), backup(60)), until=at(90))
    assert spans_of(archive) == [(at(1), at(90))]


def test_without_a_complete_backup_nothing_can_be_restored() -> None:
    assert ranges(Archive(until=at(90))) == []
    assert ranges(Archive(backups=(backup(0),))) == []
    with pytest.raises(OutOfRangeError, match="there is no complete base backup yet"):
        newest(Archive())


def test_the_newest_backup_that_had_ended_by_then_is_used() -> None:
    archive = Archive(backups=(backup(0), backup(60)), until=at(90))
    assert chosen(archive, at(60.5)).backup.name == "b0"
    assert chosen(archive, at(61)).backup.name == "b60"
    assert newest(archive).backup.name == "b60"


@pytest.mark.parametrize("minutes", [0.5, 90.1])
def test_a_time_outside_is_refused_with_the_range(minutes: float) -> None:
    archive = Archive(backups=(backup(0),), until=at(90))
    with pytest.raises(OutOfRangeError, match="restored: 2026-11-28T02:01:00Z to 2026-11-28T03:30:00Z"):
        chosen(archive, at(minutes))


def test_a_range_is_shown_with_whole_seconds_within_it() -> None:
    archive = Archive(backups=(backup(0.001),), until=at(90.001))
    assert shown_ranges(ranges(archive)).endswith("2026-11-28T02:01:01Z to 2026-11-28T03:30:00Z")


# Restored at minute 100 to minute 50: what was written between is on the first timeline only.
RESTORED = Archive(
    backups=(backup(0, end_position=10), backup(60, end_position=60), backup(101, timeline=2, end_position=55)),
    timelines=(Timeline(number=2, since=at(100), before=at(99), forks=((1, 50),)),),
    until=at(120),
)


def test_after_a_restore_a_time_belongs_to_the_timeline_that_was_in_use_then() -> None:
    assert chosen(RESTORED, at(70)).timeline == 1
    assert chosen(RESTORED, at(110)).timeline == 2
    assert spans_of(RESTORED) == [(at(1), at(99)), (at(100), at(120))]


def test_a_backup_of_what_a_restore_has_taken_away_is_no_basis_for_the_new_timeline() -> None:
    """The second backup is from after the time to which the restore went back."""
    assert chosen(RESTORED, at(100.5)).backup.name == "b0"
    assert chosen(RESTORED, at(70)).backup.name == "b60"


def test_nothing_between_a_gap_and_the_next_backup_can_be_restored() -> None:
    gap = Gap(timeline=1, since=at(30), until=at(40), position=20)
    archive = Archive(backups=(backup(0, end_position=10), backup(60, end_position=60)), gaps=(gap,), until=at(90))
    assert spans_of(archive) == [(at(1), at(30)), (at(61), at(90))]
    with pytest.raises(OutOfRangeError):
        chosen(archive, at(35))


def test_a_backup_that_began_before_a_gap_was_noticed_does_not_bridge_it() -> None:
    gap = Gap(timeline=1, since=at(30), until=at(60.5), position=20)
    archive = Archive(backups=(backup(60, end_position=60),), gaps=(gap,), until=at(90))
    assert ranges(archive) == []


def test_a_gap_beyond_the_fork_does_not_concern_the_new_timeline() -> None:
    gap = Gap(timeline=1, since=at(90), until=at(95), position=70)
    archive = Archive(backups=RESTORED.backups[:1], timelines=RESTORED.timelines, gaps=(gap,), until=at(120))
    assert spans_of(archive) == [(at(1), at(90)), (at(100), at(120))]


def test_positions_files_and_histories_are_read_as_postgresql_writes_them() -> None:
    assert position("1A/2B000060") == 0x1A_2B000060
    assert start_of("00000001000000010000000A") == (1 << 32) + 10 * SEGMENT_BYTES
    history = "1\t0/8000148\tbefore 2026-11-30 12:57:45.438261+00\n\n2\t0/F000000\tno recovery target specified\n"
    assert forks(history) == ((1, 0x8000148), (2, 0xF000000))
