"""Files in the spool reach the store in order, despite failures in between."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.components.backup_scripts import Store, module

FIRST, SECOND, THIRD = (f"0000000100000000000000{number:02X}" for number in (1, 2, 3))
COMMIT = datetime(2026, 11, 28, 10, 15, tzinfo=UTC)


def committed(_: Path) -> datetime:
    """Time of the last commit in any file."""
    return COMMIT


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The spool script; each file of the write-ahead log contains one commit."""
    spool = module("backup_spool")
    monkeypatch.setattr(spool, "last_commit", committed)
    monkeypatch.setattr(spool, "ALIVE", tmp_path / "alive")
    return spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    spool = tmp_path / "spool"
    spool.mkdir()
    return spool


def roomy(_: Path) -> bool:
    """A volume that is never nearly full."""
    return False


def put(folder: Path, *names: str, system: int = 77) -> None:
    """Write log files as the database cluster with this identifier does."""
    for name in names:
        (folder / name).write_bytes(bytes(24) + system.to_bytes(8, "little"))


def test_files_are_sent_in_the_order_of_the_log_and_deleted_only_then(script: Any, folder: Path) -> None:  # noqa: ANN401
    store = Store()
    put(folder, SECOND, FIRST, "00000002.history", f"archtemp.{THIRD}.1.2")
    assert script.Shipper(store, spool=folder, full=roomy).step()
    assert store.sent == ["00000002.history", FIRST, SECOND]
    assert {file.name for file in folder.iterdir()} == {"state.json", f"archtemp.{THIRD}.1.2"}
    assert store.notes_by_name["state.json"]["until"] == COMMIT.isoformat()


def test_while_the_store_is_away_nothing_is_lost_and_it_is_said_once(
    script: Any,  # noqa: ANN401
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = Store()
    shipper = script.Shipper(store, spool=folder, full=roomy)
    store.away = True
    put(folder, FIRST)
    assert not shipper.step()
    put(folder, SECOND)
    assert not shipper.step()
    assert capsys.readouterr().out.count("the store takes no files, 1 wait on the volume: Could not connect") == 1
    store.away = False
    assert shipper.step()
    assert shipper.step()
    assert store.sent == [FIRST, SECOND]
    assert capsys.readouterr().out.count("2 that waited were sent") == 1


def test_when_the_volume_is_nearly_full_the_log_is_given_up_and_the_gap_is_remembered(
    script: Any,  # noqa: ANN401
    folder: Path,
) -> None:
    store = Store()
    full: list[bool] = []

    def nearly_full(_: Path) -> bool:
        return bool(full)

    shipper = script.Shipper(store, spool=folder, full=nearly_full)
    put(folder, FIRST)
    shipper.step()
    store.away = True
    put(folder, SECOND)
    shipper.step()
    assert shipper.watch() == 0
    full.append(True)
    assert shipper.watch() == 1
    assert not (folder / SECOND).exists()
    store.away = False
    put(folder, THIRD)
    shipper.step()
    gap = store.notes_by_name[f"gaps/{SECOND}.json"]
    assert gap["since"] == COMMIT.isoformat()
    assert gap["position"] == 2 * 16 * 1024 * 1024
    # What comes after the gap is no other one.
    assert [name for name in store.notes_by_name if name.startswith("gaps/")] == [f"gaps/{SECOND}.json"]
    assert not (folder / "gap.json").exists()


def test_a_volume_that_is_nearly_full_gives_up_nothing_while_the_store_takes_files(
    script: Any,  # noqa: ANN401
    folder: Path,
) -> None:
    shipper = script.Shipper(Store(), spool=folder, full=lambda: True)
    put(folder, FIRST)
    assert shipper.watch() == 0
    assert (folder / FIRST).exists()


def test_a_store_that_hangs_counts_as_away(script: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    def full(_: Path) -> bool:
        return True

    store = Store()
    shipper = script.Shipper(store, spool=folder, full=full)
    given_up: list[int] = []

    def hang(*_: object, **__: object) -> str:
        """Block until the other thread has looked at the spool."""
        monkeypatch.setattr(script, "SLOW_SECONDS", -1)
        given_up.append(shipper.watch())
        return ""

    monkeypatch.setattr(store, "barman", hang)
    put(folder, FIRST, SECOND)
    assert shipper.step()
    assert given_up[0] == 2


def test_files_of_another_database_cluster_do_not_get_into_the_archive(script: Any, folder: Path) -> None:  # noqa: ANN401
    """This happens after a restore onto a new volume."""
    store = Store()
    shipper = script.Shipper(store, spool=folder, full=roomy)
    script.write(folder / "state.json", {"server": "postgres-78", "file": THIRD, "until": COMMIT.isoformat()})
    put(folder, FIRST, system=78)
    put(folder, SECOND)
    assert shipper.step()
    assert store.sent == [SECOND]
    assert not (folder / FIRST).exists()
    assert store.notes_by_name["state.json"]["server"] == "postgres-77"
    assert store.notes_by_name["state.json"]["file"] == SECOND


def test_files_that_were_never_in_the_spool_are_noticed(script: Any, folder: Path) -> None:  # noqa: ANN401
    """Backups were switched off for a while, and PostgreSQL ran without an archive."""
    store = Store()
    shipper = script.Shipper(store, spool=folder, full=roomy)
    put(folder, FIRST)
    shipper.step()
    assert [name for name in store.notes_by_name if name.startswith("gaps/")] == []
    put(folder, THIRD)
    shipper.step()
    assert store.notes_by_name[f"gaps/{THIRD}.json"]["position"] == 2 * 16 * 1024 * 1024


def test_the_last_commit_is_read_in_utc_from_what_pg_waldump_prints() -> None:
    lines = (
        "rmgr: Transaction len: 34, tx: 782, lsn: 0/80000F8, prev 0/80000C0, desc: COMMIT 2026-11-30 12:57:45.43 UTC\n"
        "rmgr: Transaction len: 34, tx: 783, lsn: 0/8000118, prev 0/80000F8, desc: ABORT 2026-11-30 12:57:46.0 UTC\n"
    )
    assert module("backup_spool").COMMIT.findall(lines) == ["2026-11-30 12:57:45.43"]


@pytest.mark.parametrize(("number", "adopted"), [(2, True), (3, False)])
def test_the_files_of_a_restore_count_only_if_its_data_are_in_place(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    adopted: bool,  # noqa: FBT001 - a case of the test
) -> None:
    script = module("backup_volume")
    restored = folder.with_name("spool.restored")
    restored.mkdir()
    put(restored, "00000002.history")
    script.write(restored / "timeline.json", {"number": number})
    for name, value in {
        "SPOOL": folder,
        "RESTORED_SPOOL": restored,
        "control": lambda: {"Latest checkpoint's TimeLineID": "2"},
    }.items():
        monkeypatch.setattr(script, name, value)
    script.adopt_spool()
    assert (folder / "00000002.history").exists() is adopted
    assert not restored.exists()
