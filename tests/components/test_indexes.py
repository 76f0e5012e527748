"""The migration's indexes for large databases, with a fake of a PostgreSQL session."""

import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from components import scripts as files


class Refused(Exception):  # noqa: N818 - stands for SQLAlchemyError
    """Fake of an error of SQLAlchemy."""


@dataclass(slots=True)
class Database:
    """Indexes by name, each with whether it is complete, and the statements that were sent."""

    indexes: dict[str, bool] = field(default_factory=dict[str, bool])
    refuses: str = ""
    """Name of an index that cannot be created."""

    sent: list[str] = field(default_factory=list[str])
    level: str = ""

    @contextmanager
    def connect(self) -> Generator["Database"]:
        """Yield a session."""
        yield self

    def execute(self, statement: str, _: object = None) -> list[SimpleNamespace]:
        """List the indexes, or change one."""
        if statement.startswith("SELECT"):
            return [SimpleNamespace(name=name, valid=valid) for name, valid in self.indexes.items()]
        self.sent.append(statement)
        name = statement.partition(" ON ")[0].rpartition(" ")[2]
        if statement.startswith("CREATE"):
            if name == self.refuses:
                raise Refused("canceling statement due to lock timeout")
            self.indexes[name] = True
        return []


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a module
    errors = ModuleType("sqlalchemy.exc")
    errors.SQLAlchemyError = Refused  # pyright: ignore[reportAttributeAccessIssue]
    package = ModuleType("sqlalchemy")
    package.text = str  # pyright: ignore[reportAttributeAccessIssue]
    package.Engine = package.Connection = object  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "sqlalchemy", package)
    monkeypatch.setitem(sys.modules, "sqlalchemy.exc", errors)
    spec = importlib.util.spec_from_file_location("indexes", Path(files.__file__).with_name("indexes.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "indexes", module)
    spec.loader.exec_module(module)
    return module


class Engine:
    """Fake of an engine whose connections do not open transactions."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def connect(self) -> "Engine":
        """Return a connection."""
        return self

    def execution_options(self, *, isolation_level: str) -> Any:  # noqa: ANN401 - a context manager
        """Return a session of this isolation level."""
        assert isolation_level == "AUTOCOMMIT", "CREATE INDEX CONCURRENTLY cannot run in a transaction"
        return self.database.connect()


def test_missing_indexes_are_created_while_the_server_works(script: Any) -> None:  # noqa: ANN401
    database = Database()
    said = script.bring_in_line(Engine(database))
    assert said == [f"index {index.name} created" for index in script.INDEXES]
    assert all(statement.startswith("CREATE INDEX CONCURRENTLY mlflow_platform_") for statement in database.sent)


def test_a_second_run_changes_nothing(script: Any) -> None:  # noqa: ANN401
    database = Database()
    script.bring_in_line(Engine(database))
    database.sent.clear()
    assert script.bring_in_line(Engine(database)) == []
    assert database.sent == []


def test_what_an_interrupted_creation_left_is_replaced(script: Any) -> None:  # noqa: ANN401
    broken = script.INDEXES[0]
    database = Database(indexes={index.name: index != broken for index in script.INDEXES})
    assert script.bring_in_line(Engine(database)) == [f"index {broken.name} created"]
    drop, create = database.sent
    assert drop == f"DROP INDEX CONCURRENTLY IF EXISTS public.{broken.name}"
    assert create.startswith(f"CREATE INDEX CONCURRENTLY {broken.name} ON public.{broken.table} ")


def test_an_index_that_cannot_be_created_stops_neither_the_others_nor_the_migration(script: Any) -> None:  # noqa: ANN401
    refused = script.INDEXES[1]
    database = Database(refuses=refused.name)
    said = script.bring_in_line(Engine(database))
    assert f"index {refused.name} could not be created, the next `up` tries again: " in said[1]
    assert len([line for line in said if line.endswith(" created")]) == len(script.INDEXES) - 1
