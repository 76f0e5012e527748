"""A restored data directory takes the place of the old one, except where that would lose data."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.components.backup_scripts import module

GIBIBYTE = 1 << 30


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a module that is no part of a package
    """The restore script, on a volume with a data directory."""
    restore = module("backup_restore")
    for name, folder in {"VOLUME": "", "PGDATA": "pgdata", "NEW": "pgdata.restored", "RESTORED_SPOOL": "spool"}.items():
        monkeypatch.setattr(restore, name, tmp_path / folder)
    (tmp_path / "pgdata").mkdir()
    (tmp_path / "pgdata" / "old").touch()
    return restore


def put_recovery(script: Any, monkeypatch: pytest.MonkeyPatch, *, failing: bool = False) -> list[Any]:  # noqa: ANN401
    """A store and a PostgreSQL that restore; returns the options that PostgreSQL gets."""
    given: list[Any] = []

    def recover(options: list[str]) -> None:
        given.append(options)
        if failing:
            raise script.StoreError("the recovery failed")

    def control(_: Path) -> dict[str, str]:
        return {"Latest checkpoint's TimeLineID": "2"}

    def nothing() -> None:
        pass

    def unknown(_: str) -> dict[str, str]:
        return {}

    monkeypatch.setattr(script, "state_of", unknown)
    for name, value in {"_recover": recover, "control": control, "adopt_spool": nothing}.items():
        monkeypatch.setattr(script, name, value)
    return given


class Store:
    """A store with one base backup."""

    server = "postgres-1"

    def note(self, name: str) -> dict[str, str]:
        """The end of the archive in the store."""
        assert name == "state.json"
        return {"until": "2026-11-28T10:20:01+00:00"}

    def barman(self, tool: str, name: str, folder: Path) -> None:
        """Restore the data directory."""
        assert (tool, name) == ("restore", "b1")
        folder.mkdir()
        (folder / "new").touch()

    def command(self, *words: str) -> str:
        """The command of the recovery."""
        return " ".join(words)


def test_the_restored_data_take_the_place_of_the_old_ones_which_are_kept(
    script: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = put_recovery(script, monkeypatch)
    kept = script.restore(Store(), "b1", "1", {"recovery_target_time": "2026-11-28T10:15:00+00:00"})
    assert (script.PGDATA / "new").exists()
    assert (script.VOLUME / kept / "old").exists()
    assert kept.startswith("pgdata.before-")
    assert "recovery_target_time=2026-11-28T10:15:00+00:00" in options[0]
    note = json.loads((script.RESTORED_SPOOL / "timeline.json").read_text())
    assert (note["number"], note["before"]) == (2, "2026-11-28T10:20:01+00:00")


def test_a_restore_that_fails_leaves_the_data_as_they_are(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    put_recovery(script, monkeypatch, failing=True)
    with pytest.raises(script.StoreError):
        script.restore(Store(), "b1", "1", {})
    assert (script.PGDATA / "old").exists()
    assert [one.name for one in script.VOLUME.glob("pgdata.before-*")] == []


def test_data_that_postgresql_uses_again_are_not_touched(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    """Somebody ran `make up` during the restore. An older lock belongs to a server that was killed."""
    put_recovery(script, monkeypatch)
    (script.PGDATA / "postmaster.pid").write_text("1\n")
    assert script.restore(Store(), "b1", "1", {}) is not None

    def start(_: list[str]) -> None:
        (script.PGDATA / "postmaster.pid").write_text("2\n")

    monkeypatch.setattr(script, "_recover", start)
    with pytest.raises(script.StoreError, match="PostgreSQL was started meanwhile"):
        script.restore(Store(), "b1", "1", {})
    assert (script.PGDATA / "postmaster.pid").exists()


def test_where_two_names_cannot_change_places_they_are_renamed(
    script: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some file systems cannot exchange two names, for example NFS."""

    def refuse(*_: object) -> int:
        return -1

    def einval() -> int:
        return script.errno.EINVAL

    def library(*_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(renameat2=refuse)

    monkeypatch.setattr(script.ctypes, "CDLL", library)
    monkeypatch.setattr(script.ctypes, "get_errno", einval)
    put_recovery(script, monkeypatch)
    kept = script.restore(Store(), "b1", "1", {})
    assert (script.PGDATA / "new").exists()
    assert (script.VOLUME / kept / "old").exists()


def test_a_volume_with_too_little_room_is_refused_with_the_figures(
    script: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def usage(_: object) -> SimpleNamespace:
        return SimpleNamespace(free=3 * GIBIBYTE)

    monkeypatch.setattr(script.shutil, "disk_usage", usage)
    assert script.no_room(2 * GIBIBYTE) == ""
    said = script.no_room(3 * GIBIBYTE)
    assert "has 3.0 GiB free; the base backup needs 3.0 GiB" in said
    assert "enlarge database.storage" in said
    (script.VOLUME / "pgdata.before-20261128T102005Z").mkdir()
    assert "delete what earlier restores have kept (pgdata.before-20261128T102005Z)" in script.no_room(3 * GIBIBYTE)


@pytest.mark.parametrize("name", ["pgdata", "pgdata.before-/../pgdata", "spool", "pgdata.before-20200101T000000Z"])
def test_nothing_but_what_was_kept_can_be_deleted(script: Any, name: str) -> None:  # noqa: ANN401
    with pytest.raises(script.StoreError, match="what is kept: nothing"):
        script.drop(name)
    assert (script.PGDATA / "old").exists()


def test_what_was_kept_can_be_deleted(script: Any) -> None:  # noqa: ANN401
    kept = script.VOLUME / "pgdata.before-20261128T102005Z"
    kept.mkdir()
    (kept / "file").write_text("four")
    assert script.drop(kept.name) == 4
    assert not kept.exists()
