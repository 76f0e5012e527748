"""Tells PostgreSQL the workspace of the current scope at the beginning of every transaction.

The database's row-level security shows a transaction the rows of that workspace and no others. The setting ends with
the transaction, so a pooled connection never carries it to the next request. What runs outside of a transaction
(AUTOCOMMIT) has no setting, and therefore sees no rows; MLflow uses none.

SQLite has no row-level security.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from mlflow_platform_server import scope

# Without workspaces, MLflow keeps everything in this one.
ONLY = "default"
_TELL = "SELECT pg_catalog.set_config('mlflow.workspace', %s, true)"


def install(*, workspaces: bool) -> None:
    """Tell the workspace on all engines of this process, also on those that MLflow makes later.

    Args:
        workspaces: whether MLflow's workspaces are enabled; otherwise all rows are in the workspace `default`.
    """
    event.listen(Engine, "begin", teller(workspaces=workspaces))


def teller(*, workspaces: bool) -> Callable[[Any], None]:
    """A listener for the beginning of a transaction, which raises `scope.ScopeError` if no scope is bound."""

    def tell(connection: Any) -> None:
        workspace = scope.bound().workspace
        if connection.dialect.name != "postgresql":
            return
        # Without a workspace there are no rows.
        name = "" if workspace is None else workspace if workspaces else ONLY
        # SQLAlchemy's own connection would begin the transaction again; the driver begins it with this statement.
        try:
            with connection.connection.cursor() as cursor:
                cursor.execute(_TELL, (name,))
        except connection.dialect.loaded_dbapi.Error as error:
            # As for SQLAlchemy's own statements: it makes the error one of its own, which clients are asked to try
            # again after, and a lost connection leaves the pool.
            connection._handle_dbapi_exception(error, _TELL, None, None, None)
            raise

    return tell
