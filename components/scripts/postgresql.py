"""Connections of a migration to PostgreSQL: the lock that admits one migration at a time, and the connected servers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
from sqlalchemy import text

# Prefix of the application_name of a migration's sessions, which distinguishes them from a server's sessions.
APPLICATION = "mlflow-platform migration"
# Key of the advisory lock: any number that no other program uses in this database. MLflow takes no advisory locks.
LOCK = 0x4D4C464C
# A little longer than PostgreSQL takes to notice that a migration's node is gone (the keep-alives below).
LOCK_SECONDS = 90
# Time for a server that is terminating to close its sessions.
GOODBYE_SECONDS = 15
LOCK_TIMEOUT_SECONDS = 5
_POLL_SECONDS = 1

_SESSION = {
    # While a statement waits for a table's lock, all later statements on that table wait behind it: give up soon.
    "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
    # No limit, because a migration may take long.
    "statement_timeout": "0",
    # For the start time in the message about the holder of the lock.
    "timezone": "UTC",
    # No limit: during a migration, MLflow's second connection is idle.
    "idle_in_transaction_session_timeout": "0",
    # The locks of a killed migration are released soon, and not only when its current statement has ended.
    "client_connection_check_interval": "5s",
    # The same for a migration whose node is gone: after 10 + 4 x 10 seconds.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "4",
    # Where MLflow signs in as the owner as well, the policies open only to sessions that say this.
    "mlflow_platform.owner": "migration",
}


class HeldError(Exception):
    """Another migration holds the lock; the message names that migration."""


def connect(uri: str, name: str) -> sqlalchemy.Engine:
    """An engine whose sessions have an application_name that contains the pod's name `name`."""
    options = " ".join(f"-c {key}={value}" for key, value in _SESSION.items())
    return sqlalchemy.create_engine(
        uri, connect_args={"options": options, "application_name": f"{APPLICATION} {name}", "connect_timeout": 10}
    )


@contextmanager
def one_writer(engine: sqlalchemy.Engine) -> Iterator[None]:
    """Hold the lock that only one migration of this database can hold, until the end of the block.

    Raises:
        HeldError: another migration has held the lock for `LOCK_SECONDS`.
    """
    # The lock is held until the session ends. Autocommit keeps the session from staying in an open transaction.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        end = time.monotonic() + LOCK_SECONDS
        told = False
        while not session.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            holder = _holder(session)
            if time.monotonic() > end:
                raise HeldError(holder)
            if not told:
                print(f"waiting for another migration: {holder}", flush=True)
                told = True
            time.sleep(_POLL_SECONDS)
        yield


def servers(engine: sqlalchemy.Engine, role: str | None) -> list[str]:
    """Descriptions of the servers that are connected as the owner or as the server's role; empty if there are none.

    Waits up to `GOODBYE_SECONDS` for terminating servers to close their sessions.
    """
    end = time.monotonic() + GOODBYE_SECONDS
    while (found := _others(engine, role)) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    return found


def _holder(session: sqlalchemy.Connection) -> str:
    row = session.execute(
        text(
            "SELECT application_name, client_addr, pid, backend_start FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND classid = 0 AND objid = :lock AND granted"
        ),
        {"lock": LOCK},
    ).first()
    if row is None:
        return "a migration that has just ended"
    since = f"{row.backend_start:%H:%M:%S} UTC"
    return f"{row.application_name} at {row.client_addr} (session {row.pid}, connected since {since})"


def _others(engine: sqlalchemy.Engine, role: str | None) -> list[str]:
    with engine.connect() as session:
        rows = session.execute(
            text(
                "SELECT coalesce(nullif(application_name, ''), 'server') AS name, client_addr, count(*) AS sessions"
                " FROM pg_stat_activity WHERE datname = current_database() AND usename IN (current_user, :role)"
                " AND application_name NOT LIKE :ours GROUP BY 1, 2 ORDER BY 1, 2"
            ),
            {"ours": f"{APPLICATION}%", "role": role or ""},
        )
        # PostgreSQL does not tell the owner the addresses of another role's sessions.
        return [f"{row.name} at {row.client_addr or 'an unknown address'} ({row.sessions} sessions)" for row in rows]
