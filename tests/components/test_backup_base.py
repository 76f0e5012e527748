"""Times at which the sidecar takes a base backup, and the messages that it prints."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.scripts.backup_ranges import Backup, Gap
from tests.components.backup_scripts import module

START = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def backup(minutes: float) -> Backup:
    return Backup(name="b", timeline=1, begin=at(minutes), end=at(minutes + 1), end_position=1, size=1)


class Store:
    """A store whose backups can be listed, unless the store is unavailable."""

    def __init__(self, *begins: datetime) -> None:
        self.away = False
        self.found = [SimpleNamespace(name=str(begin), begin=begin, timeline=1) for begin in begins]

    def backups(self) -> list[SimpleNamespace]:
        """All backups in the store."""
        if self.away:
            raise module("backup_store").StoreError("Could not connect")
        return self.found

    def gaps(self) -> list[SimpleNamespace]:
        """No gaps in the archive."""
        return []


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a module that is no part of a package
    base = module("backup_base")

    def control() -> dict[str, str]:
        return {base.TIMELINE_FIELD: "1"}

    for name, value in {"SPOOL": tmp_path, "STATE": tmp_path / "state.json", "control": control}.items():
        monkeypatch.setattr(base, name, value)
    return base


def taken(script: Any, monkeypatch: pytest.MonkeyPatch) -> list[object]:  # noqa: ANN401
    """Records the base backups that are taken."""
    found: list[object] = []

    def back_up(store: Store) -> None:
        found.append(store)
        store.found.append(SimpleNamespace(name="new", begin=datetime.now(UTC), timeline=1))

    monkeypatch.setattr(script, "back_up", back_up)
    return found


def test_a_base_backup_is_taken_once_when_it_is_due(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    found = taken(script, monkeypatch)
    nightly = script.Nightly(Store())
    assert [nightly.step(), nightly.step(), nightly.step()] == [True] * 3
    assert len(found) == 1


def test_none_is_taken_before_its_hour(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    found = taken(script, monkeypatch)
    assert script.Nightly(Store(datetime.now(UTC))).step()
    assert found == []
    assert script.Nightly(Store(datetime.now(UTC) - timedelta(days=1, minutes=1))).step()
    assert len(found) == 1


def test_a_failure_is_said_once_and_does_not_end_the_container(
    script: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = taken(script, monkeypatch)
    store = Store()
    nightly = script.Nightly(store)
    store.away = True
    assert [nightly.step(), nightly.step()] == [False, False]
    assert capsys.readouterr().out.count("no base backup, trying again every 20 s: Could not connect") == 1
    store.away = False
    assert nightly.step()
    assert len(found) == 1


def test_none_is_taken_before_a_gap_is_in_the_store(
    script: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Otherwise it would count as a backup from before the gap."""
    found = taken(script, monkeypatch)
    (tmp_path / "gap.json").write_text("{}")
    assert script.Nightly(Store()).step()
    assert found == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [(at(0), at(0)), (at(-1), at(-24 * 60)), (at(60), at(0)), (at(23 * 60 + 59), at(0))],
)
def test_the_nightly_backup_is_at_an_hour_in_utc(script: Any, now: datetime, expected: datetime) -> None:  # noqa: ANN401
    assert script.scheduled(2, now) == expected
    # A clock elsewhere does not matter.
    assert script.scheduled(2, now.astimezone()) == expected


def test_a_base_backup_is_due_at_its_hour_and_not_twice(script: Any) -> None:  # noqa: ANN401
    assert script.due([backup(-60)], [], 1, 2, at(-1)) == ""
    assert script.due([backup(-60)], [], 1, 2, at(0)) == "it is the hour of the nightly one"
    assert script.due([backup(-60), backup(1)], [], 1, 2, at(10)) == ""


def test_a_base_backup_is_due_at_once_if_there_is_none_or_the_log_before_it_is_of_no_use(script: Any) -> None:  # noqa: ANN401
    assert script.due([], [], 1, 2, at(10)) == "there is none yet"
    assert script.due([backup(1)], [], 2, 2, at(10)) == "the database was restored"
    gap = Gap(timeline=1, since=at(2), until=at(5), position=20)
    assert script.due([backup(1)], [gap], 1, 2, at(10)).startswith("write-ahead log was given up")
    assert script.due([backup(1), backup(6)], [gap], 1, 2, at(10)) == ""
