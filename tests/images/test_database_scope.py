"""The workspace that a transaction is told, with a fake of SQLAlchemy."""

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
    """An error of the driver."""


class WrappedError(Exception):
    """The error into which SQLAlchemy turns the driver's."""


@dataclass(slots=True)
class Database:
    """A database that records what it is told."""

    dialect: str
    told: list[Any] = field(default_factory=list[Any])
    settings: dict[str, str] = field(default_factory=dict[str, str])
    lost: bool = False

    @contextmanager
    def cursor(self) -> Generator["Database"]:
        """The driver's cursor."""
        yield self

    def execute(self, statement: str, values: tuple[str, ...]) -> None:
        """Record a statement's values."""
        if self.lost:
            raise DriverError
        assert statement.startswith("SELECT pg_catalog.set_config('mlflow.workspace', %s, true)")
        self.told += values
        # Of every setting: true, so that it ends with the transaction.
        self.settings |= dict(re.findall(r"pg_catalog.set_config\('([a-z_]+)', '(\w+)', true\)", statement))
        assert statement.count("set_config") == len(self.settings) + 1


@pytest.fixture
def settings() -> dict[str, str]:
    """PostgreSQL's settings in the transactions that were begun."""
    return {}


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> Tell:
    """Begins a transaction; returns the workspaces that the database was told."""
    package, engine = ModuleType("sqlalchemy"), ModuleType("sqlalchemy.engine")
    monkeypatch.setattr(package, "event", SimpleNamespace(), raising=False)
    monkeypatch.setattr(engine, "Engine", object, raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", package)
    monkeypatch.setitem(sys.modules, "sqlalchemy.engine", engine)
    monkeypatch.delitem(sys.modules, "mlflow_platform_server.database_scope", raising=False)
    module: Any = importlib.import_module("mlflow_platform_server.database_scope")

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
        module.teller(module.settings(SECONDS))(connection)
        settings.update(database.settings)
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


def test_a_transaction_has_bounds_of_time_and_memory(tell: Tell, settings: dict[str, str]) -> None:
    with scope.background("a request", "team-a"):
        tell()
    assert settings["statement_timeout"] == "7s"
    # A wait for a lock ends before the statement does: its client is told to try again.
    assert settings["lock_timeout"] == "7s"
    assert settings["idle_in_transaction_session_timeout"] == "60s"
    assert settings["max_parallel_workers_per_gather"] == "0"
    assert settings["join_collapse_limit"] == settings["from_collapse_limit"] == "4"
    assert (settings["jit"], settings["work_mem"]) == ("off", "4MB")
