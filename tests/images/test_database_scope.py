"""The workspace that is set for each transaction, with a fake of SQLAlchemy."""

import importlib
import re
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from mlflow_platform_server import scope

Tell = Callable[..., list[Any]]
SECONDS = 7


class DriverError(Exception):
    """An error of the database driver."""


class WrappedError(Exception):
    """SQLAlchemy's error, which wraps the driver's error."""


@dataclass(slots=True)
class Database:
    """A database that records the workspaces that are set."""

    dialect: str
    told: list[Any] = field(default_factory=list[Any])
    lost: bool = False

    @contextmanager
    def cursor(self) -> Generator["Database"]:
        """The driver's cursor."""
        yield self

    def execute(self, statement: str, values: tuple[str, ...]) -> None:
        """Record a statement's values."""
        if self.lost:
            raise DriverError
        assert statement == "SELECT pg_catalog.set_config('mlflow.workspace', %s, true)"
        self.told += values


class DriverConnection:
    """A connection of the driver that records what is executed and committed."""

    def __init__(self) -> None:
        """Begin without executed statements."""
        self.executed = list[str]()
        self.committed = list[str]()

    @contextmanager
    def cursor(self) -> Generator["DriverConnection"]:
        """The driver's cursor."""
        yield self

    def execute(self, statement: str) -> None:
        """Record a statement."""
        self.executed.append(statement)

    def commit(self) -> None:
        """Commit the executed statements."""
        self.committed += self.executed


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - the module under test
    """The module under test."""
    package, engine = ModuleType("sqlalchemy"), ModuleType("sqlalchemy.engine")
    monkeypatch.setattr(package, "event", SimpleNamespace(), raising=False)
    monkeypatch.setattr(engine, "Engine", object, raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", package)
    monkeypatch.setitem(sys.modules, "sqlalchemy.engine", engine)
    monkeypatch.delitem(sys.modules, "mlflow_platform_server.database_scope", raising=False)
    return importlib.import_module("mlflow_platform_server.database_scope")


@pytest.fixture
def tell(module: Any) -> Tell:  # noqa: ANN401 - the module under test
    """Begins a transaction; returns the workspaces that were set in the database."""

    def wrap(error: Exception, *_: object) -> None:
        raise WrappedError from error

    def begin(*, dialect: str = "postgresql", lost: bool = False) -> list[Any]:
        database = Database(dialect, lost=lost)
        driver = SimpleNamespace(Error=DriverError)
        connection = SimpleNamespace(
            dialect=SimpleNamespace(name=dialect, loaded_dbapi=driver),
            connection=database,
            _handle_dbapi_exception=wrap,
        )
        module.tell(connection)
        return database.told

    return begin


def test_a_transaction_is_told_the_workspace_of_its_scope(tell: Tell) -> None:
    with scope.background("a request", "team-a"):
        assert tell() == ["team-a"]


def test_a_transaction_of_a_scope_without_a_workspace_sees_no_rows(tell: Tell) -> None:
    with scope.background("start"):
        assert tell() == [""]


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_a_transaction_without_a_scope_is_refused(tell: Tell, dialect: str) -> None:
    with pytest.raises(scope.ScopeError):
        tell(dialect=dialect)


def test_sqlite_is_told_nothing(tell: Tell) -> None:
    with scope.background("a request", "team-a"):
        assert tell(dialect="sqlite") == []


def test_a_lost_connection_is_an_error_of_sqlalchemy_like_any_other(tell: Tell) -> None:
    with scope.background("a request", "team-a"), pytest.raises(WrappedError):
        tell(lost=True)


def test_a_connection_has_bounds_of_time_and_memory_that_outlast_its_transactions(module: Any) -> None:  # noqa: ANN401 - the module under test
    connection = type("Connection", (DriverConnection,), {"__module__": "psycopg"})()
    module.bounder(module.settings(SECONDS))(connection, None)
    assert connection.committed == connection.executed
    (statement,) = connection.executed
    # Of every setting: false, so that it does not end with the transaction.
    settings = dict(re.findall(r"pg_catalog.set_config\('([a-z_]+)', '(\w+)', false\)", statement))
    assert statement.count("set_config") == len(settings)
    assert settings["statement_timeout"] == "7s"
    # A wait for a lock ends before the statement does: its client is told to try again.
    assert settings["lock_timeout"] == "7s"
    assert settings["idle_in_transaction_session_timeout"] == "60s"
    assert settings["max_parallel_workers_per_gather"] == "0"
    assert settings["join_collapse_limit"] == settings["from_collapse_limit"] == "4"
    assert (settings["jit"], settings["work_mem"]) == ("off", "4MB")


def test_a_connection_to_sqlite_has_no_bounds(module: Any) -> None:  # noqa: ANN401 - the module under test
    connection = DriverConnection()
    module.bounder(module.settings(SECONDS))(connection, None)
    assert connection.executed == []
