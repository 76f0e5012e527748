import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from components.scripts.sqlite_file import in_use, path_of, replaced

OPENS = "import sys; file = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("CREATE TABLE runs (name TEXT); INSERT INTO runs VALUES ('kept')")
    return path


def _rows(file: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return [row[0] for row in database.execute(f"SELECT name FROM {table}")]  # noqa: S608 - the test's own names


def _add_table(uri: str) -> None:
    with closing(sqlite3.connect(path_of(uri))) as database:
        database.executescript("CREATE TABLE added (name TEXT)")


def test_the_copy_takes_the_place_of_the_file_which_stays_beside_it(file: Path) -> None:
    with replaced(file, "b7e2") as uri:
        _add_table(uri)
    assert _rows(file, "runs") == ["kept"]
    assert _rows(file, "added") == []
    assert _rows(file.with_name("mlflow.db.b7e2"), "runs") == ["kept"]


def test_a_failure_leaves_the_file_as_it_was(file: Path) -> None:
    before = file.read_bytes()

    def fail() -> None:
        with replaced(file, "b7e2") as uri:
            _add_table(uri)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert file.read_bytes() == before


def test_what_a_killed_migration_left_is_not_taken_for_the_file(file: Path) -> None:
    file.with_name("mlflow.db.migrating").write_bytes(b"half a database")
    file.with_name("mlflow.db.migrating-journal").write_bytes(b"and its journal")
    with replaced(file, "b7e2") as uri:
        _add_table(uri)
    assert _rows(file, "runs") == ["kept"]
    assert sorted(path.name for path in file.parent.iterdir()) == ["mlflow.db", "mlflow.db.b7e2"]


def test_a_file_that_does_not_exist_yet_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    with replaced(file, None) as uri:
        _add_table(uri)
        assert not file.exists()
    assert _rows(file, "added") == []
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_file_that_another_process_has_open_is_in_use(file: Path) -> None:
    assert not in_use(file)
    with subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-c", OPENS, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == b"open\n"
        assert in_use(file)
        other.stdin.close()
    assert not in_use(file)


def test_nobody_uses_a_file_that_does_not_exist(tmp_path: Path) -> None:
    assert not in_use(tmp_path / "mlflow.db")
