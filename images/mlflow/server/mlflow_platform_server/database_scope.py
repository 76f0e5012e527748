"""Tells PostgreSQL at the beginning of every transaction which workspace it is for, and what it may use.

The workspace is that of the current scope (`scope.py`): row-level security shows a transaction the rows of that
workspace and no others. The bounds are PostgreSQL's own settings, which end a statement that takes too long and keep
one search from taking the memory of all others.

All of them end with the transaction, so a pooled connection carries nothing to the next request. That also works behind
a pooler such as PgBouncer, which refuses options at the start of a session (PGOPTIONS) and hands a session's settings
(SET) to its next client; it needs no privilege, and no session of another program has these settings: migrations,
backups and `psql` keep the database's own. What runs outside of a transaction (AUTOCOMMIT) has no workspace, and
therefore sees no rows; MLflow uses none.

SQLite has neither.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from mlflow_platform_server import scope

# PostgreSQL joins up to this many tables in the best of all orders, and further ones in the order of the statement.
# With its default of 8, a search with 20 conditions needs three times as much memory, and is no faster.
JOINED = 4
# Longest wait for a lock, such as that of a migration. The client tries again.
LOCK_SECONDS = 10
# Longest pause in a transaction: that of a request whose thread does not get on.
PAUSE_SECONDS = 60


def settings(statement_seconds: int) -> dict[str, str]:
    """PostgreSQL's settings for a transaction of the server; `statement_seconds` bounds each of its statements."""
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
    """Begin the transactions of all engines of this process so, including those that MLflow makes later."""
    event.listen(Engine, "begin", teller(settings(statement_seconds)))


def teller(bounds: dict[str, str]) -> Callable[[Any], None]:
    """A function that sets the workspace of the current scope, and the settings, in a transaction that begins."""
    # The settings are constants of this module and whole numbers, so they are part of the text.
    limits = "".join(f", pg_catalog.set_config('{name}', '{value}', true)" for name, value in bounds.items())
    statement = f"SELECT pg_catalog.set_config('mlflow.workspace', %s, true){limits}"

    def tell(connection: Any) -> None:
        """Raises ScopeError if no scope is bound."""
        workspace = scope.bound().workspace
        if connection.dialect.name != "postgresql":
            return
        # SQLAlchemy's own connection would begin the transaction again; the driver begins it with this statement.
        try:
            with connection.connection.cursor() as cursor:
                # With an empty name no rows are visible.
                cursor.execute(statement, (workspace or "",))
        except connection.dialect.loaded_dbapi.Error as error:
            # As for SQLAlchemy's own statements: SQLAlchemy raises an error of its own, after which clients are asked
            # to try again, and removes a lost connection from the pool.
            connection._handle_dbapi_exception(error, statement, None, None, None)
            raise

    return tell
