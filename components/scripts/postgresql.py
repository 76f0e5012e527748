"""PostgreSQL as a migration meets it: one migration at a time, and who else is connected."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
from sqlalchemy import text

# How a migration's sessions are told from a server's.
APPLICATION = "mlflow-platform migration"
# Any number that no other program uses in this database; MLflow itself takes no advisory lock.
LOCK = 0x4D4C464C
# A little more than it takes PostgreSQL to notice that a migration's machine is gone (the keep-alives below).
LOCK_SECONDS = 90
# A server that was just told to stop is given this long to end its sessions.
GOODBYE_SECONDS = 15
LOCK_TIMEOUT_SECONDS = 5
_POLL_SECONDS = 1

_SESSION = {
    # Behind a statement that waits for a table's lock every other statement on that table waits too: give up soon.
    "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
    # The connection that MLflow opens beside the migrating one is idle meanwhile, and a migration may take its time.
    "statement_timeout": "0",
    # In which messages say since when somebody holds something.
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "0",
    # A migration that was killed gives its locks back at once, not when its statement has ended.
    "client_connection_check_interval": "5s",
    # The same for one whose machine is gone, after 10 + 4 x 10 seconds.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "4",
    # Where MLflow signs in as the owner as well, the policies open only to sessions that say this.
    "mlflow_platform.owner": "migration",
}


class HeldError(Exception):
    """Another migration is at work; says which."""


def connect(uri: str, name: str) -> sqlalchemy.Engine:
    """An engine whose sessions carry the name of the pod."""
    options = " ".join(f"-c {key}={value}" for key, value in _SESSION.items())
    return sqlalchemy.create_engine(
        uri, connect_args={"options": options, "application_name": f"{APPLICATION} {name}", "connect_timeout": 10}
    )


@contextmanager
def one_writer(engine: sqlalchemy.Engine) -> Iterator[None]:
    """Keep every other migration of this database out until the end of the block.

    Raises:
        HeldError: another one is at work for longer than we wait.
    """
    # In a transaction of its own nothing would be held: it would end with the first statement.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        end = time.monotonic() + LOCK_SECONDS
        told = False
        while not session.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            holder = _holder(session)
            if time.monotonic() > end:
                raise HeldError(holder)
            if not told:
                print(f"waiting for {holder}", flush=True)
                told = True
            time.sleep(_POLL_SECONDS)
        yield


def servers(engine: sqlalchemy.Engine, role: str | None) -> list[str]:
    """Who else is connected as the owner or as the server's role, after those about to leave were given the time."""
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
    return f"{row.application_name} at {row.client_addr} (session {row.pid} since {row.backend_start:%H:%M:%S} UTC)"


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
