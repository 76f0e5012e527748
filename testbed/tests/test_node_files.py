"""Atomic writes, and the confirmation of `destroy`."""

import io
import stat
from pathlib import Path

import pytest

from testbed.errors import EmbeddedError
from testbed.node.destroy import confirm
from testbed.node.writing import PRIVATE, write_whole
from testbed.paths import Home


class Terminal(io.StringIO):
    """A terminal with one line of input."""

    def isatty(self) -> bool:
        """Report that it is a terminal."""
        return True


def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "secret", PRIVATE)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_nothing_but_the_file_is_left_behind(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "old")
    write_whole(tmp_path / "file", "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "new")]


def test_a_file_that_is_right_already_is_not_written_again(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "same")
    before = (tmp_path / "file").stat().st_ino
    write_whole(tmp_path / "file", "same")
    assert (tmp_path / "file").stat().st_ino == before


def test_destroying_needs_a_person_or_an_explicit_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("mlflow-platform\n"))
    with pytest.raises(EmbeddedError, match="add --yes"):
        confirm(Home(Path("/data")), with_volumes=False)


def test_destroying_stops_when_the_name_is_not_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    with pytest.raises(EmbeddedError, match="nothing was removed"):
        confirm(Home(Path("/data")), with_volumes=True)


def test_destroying_goes_on_when_the_name_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("mlflow-platform\n"))
    confirm(Home(Path("/data")), with_volumes=True)
    assert "all volumes in /data/volumes" in capsys.readouterr().out
