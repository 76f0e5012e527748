"""Tells PostgreSQL at the beginning of every transaction which workspace the current scope (`scope.py`) has.

The database's row-level security shows a transaction the rows of that workspace and no others. The setting ends with
the transaction, so a pooled connection never carries it to the next request. What runs outside of a transaction
(AUTOCOMMIT) has no setting, and therefore sees no rows; MLflow uses none.

SQLite has no row-level security.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from mlflow_platform_server import scope

_TELL = "SELECT pg_catalog.set_config('mlflow.workspace', %s, true)"


def install() -> None:
    """Tell PostgreSQL the workspace on all engines of this process, including those that MLflow makes later."""
    event.listen(Engine, "begin", tell)


def tell(connection: Any) -> None:
    """Set the workspace of the current scope in a connection whose transaction begins.

    Raises:
        ScopeError: no scope is bound.
    """
    workspace = scope.bound().workspace
    if connection.dialect.name != "postgresql":
        return
    # SQLAlchemy's own connection would begin the transaction again; the driver begins it with this statement.
    try:
        with connection.connection.cursor() as cursor:
            # With an empty name no rows are visible.
            cursor.execute(_TELL, (workspace or "",))
    except connection.dialect.loaded_dbapi.Error as error:
        # As for SQLAlchemy's own statements: SQLAlchemy raises an error of its own, after which clients are asked to
        # try again, and removes a lost connection from the pool.
        connection._handle_dbapi_exception(error, _TELL, None, None, None)
        raise
