"""Tells PostgreSQL for each transaction which workspace it is for, and for each connection what it may use.

The workspace is that of the current scope (`scope.py`): row-level security shows a transaction the rows of that
workspace and no others. It ends with the transaction, so a pooled connection never carries it to the next request.
Statements outside of a transaction (AUTOCOMMIT) have no workspace, and therefore see no rows; MLflow has none.

The bounds are PostgreSQL's own settings, which end a statement that takes too long and keep one search from taking the
memory of all others. They are set once, when a connection is made: setting them in each transaction would cost 0.2 ms.
This needs no privilege, and sessions of other programs (migrations, backups, `psql`) keep the database's own settings.
Options at the start of a session (PGOPTIONS) would do the same, but a pooler such as PgBouncer refuses them.

SQLite has neither workspaces nor bounds.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from mlflow_platform_server import scope

_TELL = "SELECT pg_catalog.set_config('mlflow.workspace', %s, true)"
# Package of the driver whose connections are PostgreSQL's.
DRIVER = "psycopg"
# PostgreSQL joins up to this many tables in the best of all orders, and further ones in the order of the statement.
# With its default of 8, a search with 20 conditions needs three times as much memory, and is no faster.
JOINED = 4
# Longest wait for a lock, such as that of a migration. The client tries again.
LOCK_SECONDS = 10
# Longest pause in a transaction: that of a request whose thread does not get on.
PAUSE_SECONDS = 60


def settings(statement_seconds: int) -> dict[str, str]:
    """PostgreSQL's settings for a connection of the server; `statement_seconds` bounds each statement."""
    return {
        "statement_timeout": f"{statement_seconds}s",
        "lock_timeout": f"{min(LOCK_SECONDS, statement_seconds)}s",
        "idle_in_transaction_session_timeout": f"{PAUSE_SECONDS}s",
        # For each sort or hash of a statement, which has as many of them as it has conditions; what is larger goes to
        # temporary files.
        "work_mem": "4MB",
        "hash_mem_multiplier": "1",
        "join_collapse_limit": str(JOINED),
        "from_collapse_limit": str(JOINED),
        # Other processes would double the memory, and need space in /dev/shm, of which a container has 64 MiB.
        "max_parallel_workers_per_gather": "0",
        # Compiling takes longer than most searches, and tens of MiB that the session keeps.
        "jit": "off",
    }


def install(statement_seconds: int) -> None:
    """Install this for all engines of this process, including those that MLflow makes later."""
    event.listen(Engine, "connect", bounder(settings(statement_seconds)))
    event.listen(Engine, "begin", tell)


def bounder(bounds: dict[str, str]) -> Callable[[Any, Any], None]:
    """A function that puts the settings into a new connection of the driver."""
    # Constants of this module and whole numbers, so they are part of the text.
    calls = ", ".join(f"pg_catalog.set_config('{name}', '{value}', false)" for name, value in bounds.items())

    def bound(connection: Any, _record: Any) -> None:
        if not type(connection).__module__.startswith(DRIVER):
            return
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {calls}")
        # Without this, the end of the first transaction would take them back.
        connection.commit()

    return bound


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
