"""Tells PostgreSQL the workspace of the current scope at the beginning of every transaction.

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
    """Tell a connection, at the beginning of its transaction, the workspace of the scope.

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
        # As for SQLAlchemy's own statements: it makes the error one of its own, which clients are asked to try again
        # after, and a lost connection leaves the pool.
        connection._handle_dbapi_exception(error, _TELL, None, None, None)
        raise
