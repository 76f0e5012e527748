"""Lets MLflow's migration run in a transaction that is open already, together with other statements.

MLflow and its Alembic environment ask an engine for connections of their own. Alembic itself does not commit a
transaction that it has not begun.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import sqlalchemy


class Shared:
    """Substitute for an engine: each connection is the given one, with its open transaction."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self.url = connection.engine.url
        self._connection = connection

    @contextmanager
    def begin(self) -> Iterator[SimpleNamespace]:
        """An object from which Alembic's environment takes the engine."""
        yield SimpleNamespace(engine=self)

    @contextmanager
    def connect(self) -> Iterator[sqlalchemy.Connection]:
        """The connection, which stays open."""
        yield self._connection
