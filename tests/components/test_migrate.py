"""Decisions of the migration script, with fakes for MLflow, Alembic and the databases."""

import importlib.util
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from components import scripts as files
from components.scripts import other_workspaces, sqlite_file

HEAD, OLD, NEWER = "dc11669786a5", "b7e2c1a4d9f3", "ffffffffffff"
POLICIES = "policies for mlflow_server"
WRITES = "the statement changes rows of jobs"


class OperationalError(Exception):
    """Fake of SQLAlchemy's error, which contains the driver's."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.orig = SimpleNamespace(sqlstate=state)


class HeldError(Exception):
    """Fake of the error in components/scripts/postgresql.py."""


class NoRuleError(Exception):
    """Fake of the error in components/scripts/row_rules.py."""


class NotSeparatedError(Exception):
    """Fake of the error in components/scripts/row_security.py."""


@dataclass(slots=True)
class World:
    """A database before the script runs, and the changes that the script makes."""

    revision: str | None = OLD
    servers: list[str] = field(default_factory=list[str])
    in_the_way: list[str] = field(default_factory=list[str])
    holder: str = ""
    fails: list[Exception] = field(default_factory=list[Exception])
    ends_at: str = HEAD
    no_rule: str = ""
    role: str = ""
    unlike: list[str] = field(default_factory=list[str])
    rows: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    """Rows by table and workspace."""

    done: list[str] = field(default_factory=list[str])

    def migrate(self, what: str) -> None:
        """Record a migration, or fail as often as configured."""
        if self.fails:
            raise self.fails.pop(0)
        self.done.append(what)
        self.revision = self.ends_at

    @contextmanager
    def begin(self) -> Generator[object]:
        """Undo what is done in the transaction if it fails."""
        done, revision = list(self.done), self.revision
        try:
            yield self
        except BaseException:
            self.done, self.revision = done, revision
            raise

    @contextmanager
    def one_writer(self, _engine: object) -> Generator[None]:
        """Hold the lock, unless there is another holder."""
        if self.holder:
            raise HeldError(self.holder)
        yield

    def bring_in_line(self, _engine: object, server: str | None) -> int:
        """Set the policies for a role, unless a table has no rule or the role has too many rights."""
        if self.no_rule:
            raise NoRuleError(self.no_rule)
        if self.role:
            raise NotSeparatedError(self.role)
        self.done.append(f"policies for {server}")
        return 3

    def exec_driver_sql(self, query: str, values: tuple[str, ...] = ()) -> list[tuple[object, ...]]:
        """Answer the queries for the tables with a workspace, and for the rows in other workspaces than one."""
        if not values:
            return [(table,) for table in self.rows]
        (table,) = (name for name in self.rows if f'"{name}"' in query)
        return [(workspace, count) for workspace, count in self.rows[table].items() if workspace not in values]

    def is_known(self, revision: str) -> bool:
        """True if the image has this revision."""
        return revision != NEWER


def _asked(answer: Callable[[], object]) -> Callable[..., object]:
    """Make a function that returns this answer for any arguments."""

    def ask(*_: object) -> object:
        return answer()

    return ask


def _module(name: str, **members: object) -> ModuleType:
    component = ModuleType(name)
    for member, value in members.items():
        setattr(component, member, value)
    return component


def _modules(world: World) -> dict[str, ModuleType]:
    engine = SimpleNamespace(connect=lambda: nullcontext(world), begin=world.begin, dispose=_asked(lambda: None))
    utils = _module(
        "mlflow.store.db.utils",
        _initialize_tables=_asked(lambda: world.migrate("create")),
        _upgrade_db=_asked(lambda: world.migrate("upgrade")),
    )
    errors = _module("sqlalchemy.exc", OperationalError=OperationalError, SQLAlchemyError=OperationalError)
    return {
        "mlflow": _module("mlflow", __version__="1.2.3"),
        "mlflow.store": _module("mlflow.store"),
        "mlflow.store.db": _module("mlflow.store.db", utils=utils),
        "sqlalchemy": _module(
            "sqlalchemy", Engine=object, Connection=object, create_engine=_asked(lambda: engine), exc=errors
        ),
        "sqlalchemy.exc": errors,
        "sqlite_file": sqlite_file,
        "one_transaction": _module("one_transaction", Shared=str),
        "other_workspaces": other_workspaces,
        "postgresql": _module(
            "postgresql",
            HeldError=HeldError,
            LOCK_TIMEOUT_SECONDS=5,
            connect=_asked(lambda: engine),
            one_writer=world.one_writer,
            servers=_asked(lambda: world.servers),
        ),
        "row_rules": _module("row_rules", NoRuleError=NoRuleError),
        "row_security": _module(
            "row_security",
            NotSeparatedError=NotSeparatedError,
            bring_in_line=world.bring_in_line,
            faults=_asked(lambda: world.unlike),
        ),
        "revisions": _module(
            "revisions",
            head=_asked(lambda: HEAD),
            in_database=_asked(lambda: world.revision),
            known=world.is_known,
            missing=_asked(lambda: ["one", "two"]),
            in_the_way=_asked(lambda: world.in_the_way),
        ),
    }


Ended = tuple[int, str]
Run = Callable[[World], Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the script in a world; returns its exit code and last message."""
    log = tmp_path / "termination-log"
    monkeypatch.setenv("TERMINATION_LOG", str(log))
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "postgresql+psycopg://mlflow@db/mlflow")
    monkeypatch.setenv("SERVER_ROLE", "mlflow_server")
    monkeypatch.setattr("signal.signal", _asked(lambda: None))

    def started(world: World) -> Ended:
        for name, module in _modules(world).items():
            monkeypatch.setitem(sys.modules, name, module)
        spec = importlib.util.spec_from_file_location("migrate", Path(files.__file__).with_name("migrate.py"))
        assert spec
        assert spec.loader
        script: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        script.PAUSE_SECONDS = 0
        with pytest.raises(SystemExit) as end:
            script.main()
        return int(end.value.code or 0), log.read_text(encoding="utf-8")

    return started


def test_an_image_with_another_mlflow_than_its_tag_changes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPECTED_VERSION", "3.18.0")
    world = World()
    code, message = run(world)
    assert (code, world.done) == (10, [])
    assert "says MLflow 3.18.0, but the image contains MLflow 1.2.3" in message


@pytest.mark.parametrize(("revision", "done"), [(None, ["create"]), (OLD, ["upgrade"]), (HEAD, [])])
def test_a_database_at_any_revision_is_migrated_to_the_head(run: Run, revision: str | None, done: list[str]) -> None:
    world = World(revision=revision)
    ended = f"schema at head {HEAD} of MLflow 1.2.3; row-level security verified, changed on 3 tables"
    assert run(world) == (0, ended)
    assert world.done == [*done, POLICIES]


def test_a_database_that_a_newer_image_has_migrated_is_not_changed(run: Run) -> None:
    world = World(revision=NEWER)
    code, message = run(world)
    assert (code, world.done) == (14, [])
    assert f"revision {NEWER}" in message
    assert "restore a backup" in message


def test_while_a_server_runs_only_compatible_changes_are_made(run: Run) -> None:
    world = World(servers=["server at 10.0.0.7 (3 sessions)"], in_the_way=[f"abc (jobs): {WRITES}"])
    code, message = run(world)
    assert (code, world.done) == (11, [])
    for words in ("nothing was changed", WRITES, "server at 10.0.0.7", "server.paused: true", "Back up"):
        assert words in message


@pytest.mark.parametrize(
    "world",
    [World(servers=["server at 10.0.0.7 (3 sessions)"]), World(in_the_way=[WRITES])],
    ids=["beside a server that can live with it", "while no server is connected"],
)
def test_the_upgrade_is_done(run: Run, world: World) -> None:
    assert run(world)[0] == 0
    assert world.done == ["upgrade", POLICIES]


def test_a_running_server_is_no_obstacle_if_there_is_nothing_to_migrate(run: Run) -> None:
    world = World(revision=HEAD, servers=["server at 10.0.0.7 (3 sessions)"], in_the_way=[WRITES])
    assert run(world)[0] == 0


def test_the_holder_of_the_lock_is_named(run: Run) -> None:
    world = World(holder="mlflow-platform migration migration-job-abc at 10.0.0.9")
    code, message = run(world)
    assert (code, world.done) == (12, [])
    assert "migration-job-abc at 10.0.0.9" in message


def test_another_revision_than_the_head_afterwards_asks_for_the_backup(run: Run) -> None:
    code, message = run(World(ends_at=OLD))
    assert code == 13
    assert "restore the backup" in message


def test_a_revision_that_fails_is_quoted_and_has_changed_nothing(run: Run) -> None:
    code, message = run(World(fails=[RuntimeError("spans row references missing trace_info row")]))
    assert code == 16
    assert message == (
        "the migration failed and its transaction was undone: RuntimeError: spans row references missing trace_info row"
    )


def test_a_long_reason_fits_into_what_kubernetes_shows(run: Run) -> None:
    assert len(run(World(fails=[RuntimeError("x" * 10_000)]))[1]) < 4096


def test_a_table_in_use_is_retried(run: Run) -> None:
    world = World(fails=[OperationalError("55P03"), OperationalError("55P03")])
    assert run(world)[0] == 0
    assert world.done == ["upgrade", POLICIES]


def test_a_table_that_stays_in_use_fails_the_migration(run: Run) -> None:
    code, message = run(World(fails=[OperationalError("55P03") for _ in range(50)]))
    assert code == 17
    assert "nothing was changed" in message


def test_other_errors_of_the_database_are_not_retried(run: Run) -> None:
    world = World(fails=[OperationalError("53100")])
    assert run(world)[0] == 16


def test_a_table_that_nobody_owns_ends_the_migration_with_its_name(run: Run) -> None:
    world = World(no_rule="gadgets")
    code, message = run(world)
    assert code == 18
    assert "nothing was changed" in message
    assert "gadgets" in message
    assert world.revision == OLD


@pytest.mark.parametrize("world", [World(role="role x has BYPASSRLS"), World(unlike=["role x has BYPASSRLS"])])
def test_a_role_that_no_policy_binds_ends_the_migration(run: Run, world: World) -> None:
    code, message = run(world)
    assert code == 19
    assert "role x has BYPASSRLS" in message


def test_without_workspaces_nothing_that_a_workspace_has_may_become_invisible(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINGLE_WORKSPACE", "default")
    world = World(
        rows={
            "experiments": {"default": 1, "research": 3, "pricing": 1},
            "registered_models": {"research": 2},
            "webhooks": {"default": 7},
            "jobs": {"elsewhere": 1},
        }
    )
    code, message = run(world)
    assert (code, world.done) == (20, [])
    assert "Nobody would see 4 experiments and 2 registered models in the workspaces pricing, research." in message
    for words in ("nothing was changed", "workspaces.enabled to true", "docs/teams.md"):
        assert words in message


@pytest.mark.parametrize("rows", [{}, {"experiments": {"default": 5}, "webhooks": {}}], ids=["old", "default alone"])
def test_without_workspaces_a_database_with_nothing_in_any_is_migrated(
    run: Run, monkeypatch: pytest.MonkeyPatch, rows: dict[str, dict[str, int]]
) -> None:
    monkeypatch.setenv("SINGLE_WORKSPACE", "default")
    world = World(rows=rows)
    assert run(world)[0] == 0
    assert world.done == ["upgrade", POLICIES]


def test_with_workspaces_each_of_them_may_have_anything(run: Run) -> None:
    assert run(World(rows={"experiments": {"research": 3}}))[0] == 0


def test_of_many_workspaces_five_are_named() -> None:
    found = {"experiments": {f"team-{number}": 2 for number in range(8)}, "webhooks": {"team-0": 1}}
    assert other_workspaces.description(found) == (
        "16 experiments and 1 webhook in the workspaces team-0, team-1, team-2, team-3, team-4 and 3 more"
    )
    assert other_workspaces.description({"webhooks": {"a": 1}}) == "1 webhook in the workspace a"


def test_a_file_has_no_policies_and_is_migrated_as_a_copy(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "mlflow.db"
    file.write_bytes(b"")
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", f"sqlite:///{file}")
    world = World()
    assert run(world)[0] == 0
    assert world.done == ["upgrade"]
    assert file.with_name(f"mlflow.db.{OLD}").exists()


def test_a_file_that_a_server_has_open_stays_as_it_is(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setattr(sqlite_file, "in_use", _asked(lambda: True))
    (tmp_path / "mlflow.db").write_bytes(b"")
    world = World()
    code, message = run(world)
    assert (code, world.done) == (11, [])
    assert "server.paused: true" in message
