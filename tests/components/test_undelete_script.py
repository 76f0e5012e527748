"""Decisions of the script that brings a team's rows back, with fakes for the databases; the rehearsal has real ones."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.components.pod_scripts import fake, load


class SQLAlchemyError(Exception):
    """Fake of SQLAlchemy's error, which contains the driver's."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.orig = SimpleNamespace(sqlstate=state)


class OperationalError(SQLAlchemyError):
    """Fake of SQLAlchemy's error about the connection or the transaction."""


class HeldError(Exception):
    """Fake of the error in components/scripts/postgresql.py."""


class RefusedError(Exception):
    """Fake of the error in components/scripts/team_exchange.py."""


class DifferentError(Exception):
    """Fake of the error in components/scripts/team_exchange.py."""


@dataclass(slots=True)
class World:
    """A restored database, the live database, and the changes to the live one."""

    differences: dict[str, Any] = field(
        default_factory=lambda: {"runs": SimpleNamespace(missing=2, changed=1, added=3)}
    )
    rows: int = 7
    """Rows of the team in the restored database."""

    then: str = "head"
    now: list[str] = field(default_factory=lambda: ["head"])
    """Revisions of the live schema, one for each query; the last one is repeated."""

    fails: list[Exception] = field(default_factory=list[Exception])
    done: list[str] = field(default_factory=list[str])
    kept: list[str] = field(default_factory=list[str])

    def replace(self, *_: object) -> None:
        """Replace the rows, or fail as often as configured."""
        if self.fails:
            raise self.fails.pop(0)
        self.done.append("replaced")

    def add_missing(self, *_: object) -> int:
        """Add rows; returns their number."""
        self.done.append("added")
        return 2

    def upload_file(self, _file: str, bucket: str, key: str) -> None:
        """Record the file that is sent to the store."""
        self.kept.append(f"{bucket}/{key}")

    @contextmanager
    def begin(self) -> Generator[None]:
        """Undo what is done in the transaction if it fails."""
        done = list(self.done)
        try:
            yield
        except BaseException:
            self.done = done
            raise


@dataclass(slots=True)
class Connection:
    """A session with one of the databases."""

    world: World
    scratch: bool

    def exec_driver_sql(self, query: str) -> Any:  # noqa: ANN401 - rows have any columns
        """Answer the question for the schema's revision."""
        if "alembic_version" not in query:
            return None
        now = self.world.now
        return SimpleNamespace(scalar=lambda: self.world.then if self.scratch else now.pop(0) if now[1:] else now[0])

    def execution_options(self, *, isolation_level: str) -> "Connection":
        """Return the same connection."""
        assert isolation_level == "REPEATABLE READ"
        return self

    def begin(self) -> Any:  # noqa: ANN401 - a context manager
        """Begin a transaction."""
        return self.world.begin()

    @property
    def connection(self) -> Any:  # noqa: ANN401 - the driver's
        """The driver's connection."""
        return SimpleNamespace(driver_connection=SimpleNamespace(info=SimpleNamespace(server_version=170002)))


def _answer(value: object) -> Callable[..., object]:
    """Make a function that returns this value for any arguments."""

    def answer(*_: object, **__: object) -> object:
        return value

    return answer


def _engine(world: World, *, scratch: bool) -> SimpleNamespace:
    return SimpleNamespace(connect=lambda: nullcontext(Connection(world, scratch)))


Run = Callable[[World], tuple[str, list[str]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the script in a world; returns its exit message and its lines."""
    (tmp_path / "restored.json").write_text(json.dumps({"to": "then"}), encoding="utf-8")
    for name, value in {
        "SCRATCH": str(tmp_path),
        "TEAM": "team-a",
        "AGREED": "yes",
        "MLFLOW_BACKEND_STORE_URI": "live",
        "BACKUP_BUCKET": "backups",
    }.items():
        monkeypatch.setenv(name, value)

    def started(world: World) -> tuple[str, list[str]]:
        found = {"team-a": (world.rows, "1")} if world.rows else {}
        live, scratch = _engine(world, scratch=False), _engine(world, scratch=True)
        fakes = [
            fake("boto3", client=_answer(world)),
            fake("sqlalchemy", create_engine=_answer(scratch)),
            fake("sqlalchemy.exc", SQLAlchemyError=SQLAlchemyError, OperationalError=OperationalError),
            fake("postgresql", HeldError=HeldError, connect=_answer(live), one_writer=_answer(nullcontext())),
            fake(
                "team_exchange",
                RefusedError=RefusedError,
                DifferentError=DifferentError,
                replace=world.replace,
                add_missing=world.add_missing,
            ),
            fake(
                "team_rows",
                plan_of=_answer(None),
                digests=_answer(found),
                of_workspace=_answer(found),
                fetch=_answer(world.rows),
                differences=_answer(world.differences),
                keep=_answer(3),
            ),
        ]
        script = load(monkeypatch, "undelete", fakes)
        monkeypatch.setattr(script, "PAUSE_SECONDS", 0)
        monkeypatch.setattr(script, "AGREEMENT_SECONDS", 0)
        message = ""
        try:
            script.main()
        except SystemExit as end:
            message = str(end.code)
        return message, capsys.readouterr().out.splitlines()

    return started


def test_the_rows_are_kept_and_then_replaced(run: Run) -> None:
    world = World()
    message, lines = run(world)
    assert (message, world.done) == ("", ["replaced"])
    assert world.kept[0].startswith("backups/kept/team-a/")
    assert lines[-1].startswith("DONE: team-a has its 7 rows of then")
    assert any(line.split() == ["runs", "2", "1", "3"] for line in lines)


def test_with_missing_nothing_is_replaced(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE", "missing")
    world = World()
    _, lines = run(world)
    assert world.done == ["added"]
    assert "rows that are missing will be added; changed and added ones stay as they are" in lines


def test_without_an_answer_it_waits_and_then_changes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGREED", "")
    world = World()
    message, lines = run(world)
    assert lines[-1] == "WAITING"
    assert message.startswith("nothing was changed: nobody has agreed")
    assert (world.done, world.kept) == ([], [])


def test_the_file_of_somebody_who_agrees_lets_it_go_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGREED", "")
    (tmp_path / "agreed").touch()
    world = World()
    run(world)
    assert world.done == ["replaced"]


def test_equal_rows_need_no_answer(run: Run) -> None:
    world = World(differences={})
    message, lines = run(world)
    assert (message, world.done, world.kept) == ("", [], [])
    assert lines[-1] == "DONE: every row is as it was"


def test_only_missing_rows_count_if_only_those_are_added(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE", "missing")
    world = World(differences={"runs": SimpleNamespace(missing=0, changed=1, added=3)})
    _, lines = run(world)
    assert (lines[-1], world.done) == ("DONE: nothing is missing", [])


@pytest.mark.parametrize("revisions", [["newer"], ["head", "newer"]], ids=["before", "while it waits"])
def test_another_schema_is_refused(run: Run, revisions: list[str]) -> None:
    world = World(now=revisions)
    message, _ = run(world)
    assert "the schema was at revision head then, and is at newer today" in message
    assert world.done == []


def test_a_team_without_rows_at_that_time_is_refused(run: Run) -> None:
    world = World(rows=0)
    message, _ = run(world)
    assert (message, world.done) == ("nothing was changed: team-a had no rows at then", [])


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "23503"])
def test_a_program_at_work_is_waited_for(run: Run, state: str) -> None:
    world = World(fails=[SQLAlchemyError(state)] * 4)
    message, lines = run(world)
    assert (message, world.done) == ("", ["replaced"])
    assert f"a program is writing to rows of team-a ({state}); 1 tries left" in lines


def test_programs_that_do_not_stop_are_answered_with_the_remedy(run: Run) -> None:
    world = World(fails=[SQLAlchemyError("40001")] * 5)
    message, _ = run(world)
    assert "archive the team (teams.team-a.archived: true" in message
    assert world.done == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RefusedError("it collides"), "nothing was changed: it collides"),
        (DifferentError("runs differ"), "nothing was changed, and this is a fault of the platform: runs differ"),
    ],
)
def test_a_result_that_is_wrong_is_undone_and_said(run: Run, error: Exception, message: str) -> None:
    world = World(fails=[error])
    assert run(world)[0] == message
    assert world.done == []
