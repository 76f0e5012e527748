"""Job script that migrates the database to the schema of this image's MLflow, sets its policies, and verifies both.

The Job runs before the server's rollout, as the owner of the tables. All revisions and all policies of row-level security
are one transaction: a migration that fails or is killed has changed nothing. Only an empty database gets its tables in a
transaction before. docs/upgrade.md lists the exit codes and what to do about each.
"""

import os
import re
import signal
import sys
import time
from contextlib import ExitStack
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

import mlflow
import one_transaction
import other_workspaces
import postgresql
import revisions
import row_rules
import row_security
import sqlalchemy
import sqlite_file
from mlflow.store.db import utils
from sqlalchemy.exc import OperationalError, SQLAlchemyError

# Time for a database that is restarting; it is not meant for long maintenance.
CONNECT_SECONDS = 60
# Connection errors that do not go away by waiting: wrong credential, missing database, wrong certificate.
REFUSED = re.compile("authentication failed|does not exist|no pg_hba.conf entry|certificate|not support SSL")
# Each try waits up to five seconds for a lock on a table (`lock_timeout`). The pause after each try lets other sessions
# continue whose statements were queued behind the migration's lock request.
TRIES = 12
PAUSE_SECONDS = 5
# Kubernetes keeps 4096 bytes of the termination message.
MESSAGE_CHARACTERS = 3500
# Not available in time, or a deadlock with a session that takes the tables in another order.
LOCKED_STATES = ("55P03", "40P01")


class Exit(IntEnum):
    """Exit codes of the script; docs/upgrade.md explains each."""

    AT_HEAD = 0
    OTHER_VERSION = 10
    SERVER_CONNECTED = 11
    LOCKED = 12
    NOT_AT_HEAD = 13
    NEWER_THAN_IMAGE = 14
    UNREACHABLE = 15
    FAILED = 16
    TABLES_IN_USE = 17
    NO_RULE = 18
    NOT_SEPARATED = 19
    OTHER_WORKSPACES = 20


def finish(code: Exit, message: str) -> NoReturn:
    """Exit with `code`, and print `message` and write it to the termination log.

    `kubectl describe` and Pulumi's error message show the termination log.
    """
    print(message, flush=True)
    Path(os.environ.get("TERMINATION_LOG", "/dev/termination-log")).write_text(
        message[:MESSAGE_CHARACTERS], encoding="utf-8"
    )
    sys.exit(code)


def main() -> NoReturn:
    # SIGTERM does not end the first process of a container unless the process handles the signal.
    signal.signal(signal.SIGTERM, lambda *_: finish(Exit.FAILED, "stopped by SIGTERM: nothing was changed."))
    expected = os.environ.get("EXPECTED_VERSION")
    if expected and expected != mlflow.__version__:
        finish(
            Exit.OTHER_VERSION,
            f"the tag of server.image says MLflow {expected}, but the image contains MLflow {mlflow.__version__}:"
            " build and push the image again, or correct its tag.",
        )
    uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
    try:
        if uri.startswith("sqlite:"):
            in_sqlite(sqlite_file.path_of(uri))
        else:
            in_postgresql(uri)
    except postgresql.HeldError as error:
        finish(
            Exit.LOCKED,
            f"another migration holds the lock: {error}. Deploy again when that migration has ended. If it hangs,"
            " delete its Job with `kubectl delete job`.",
        )
    except Exception as error:  # noqa: BLE001 - a migration can raise any exception
        finish(
            Exit.FAILED,
            f"the migration failed and its transaction was undone: {type(error).__name__}: {error}"[:MESSAGE_CHARACTERS],
        )


def in_postgresql(uri: str) -> NoReturn:
    """Migrate a PostgreSQL database; refuse if a server of the old version is connected and could not keep running."""
    engine = postgresql.connect(uri, os.environ.get("HOSTNAME", "?"))
    server = os.environ.get("SERVER_ROLE")
    wait_until_it_answers(engine)
    with postgresql.one_writer(engine):
        before = revisions.in_database(engine)
        refuse_newer(before)
        refuse_invisible(engine, os.environ.get("SINGLE_WORKSPACE"))
        if before is not None and before != revisions.head() and (connected := postgresql.servers(engine, server)):
            missing = revisions.missing(before)
            if in_the_way := revisions.in_the_way(missing):
                finish(Exit.SERVER_CONNECTED, refusal(connected, len(missing), in_the_way))
            print(f"servers that stay connected during the migration: {', '.join(connected)}", flush=True)
        for tries_left in reversed(range(TRIES)):
            try:
                if revisions.in_database(engine) is None:
                    bring_to_head(engine, None)
                with engine.begin() as connection:
                    # In one transaction with the policies: no table of the new schema is ever without one.
                    bring_to_head(one_transaction.Shared(connection), revisions.in_database(engine))
                    changed = separate(connection, server)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", "") not in LOCKED_STATES:
                    raise
                print(f"another session has locked a table; {tries_left} tries left", flush=True)
                time.sleep(PAUSE_SECONDS)
            else:
                if faults := row_security.faults(engine, server):
                    message = f"row-level security differs from what the migration has just set: {'; '.join(faults)}"
                    finish(Exit.NOT_SEPARATED, message[:MESSAGE_CHARACTERS])
                verify(engine, f"; row-level security verified, changed on {changed} tables")
        finish(
            Exit.TABLES_IN_USE,
            f"nothing was changed: another session (a backup, a long query?) had locked a table in all {TRIES} tries of"
            f" {postgresql.LOCK_TIMEOUT_SECONDS} s. Deploy again when that session has ended, or upgrade with the server"
            " paused (docs/upgrade.md).",
        )


def separate(connection: sqlalchemy.Connection, server: str | None) -> int:
    """Set the policies on a schema at its head; returns the number of tables that were changed."""
    try:
        return row_security.bring_in_line(connection, server)
    except row_rules.NoRuleError as error:
        finish(
            Exit.NO_RULE,
            f"nothing was changed: MLflow {mlflow.__version__} has tables of which no rule says to which workspace their"
            f" rows belong: {error}. A server could show them to every team. Report this (docs/upgrade.md).",
        )
    except row_security.NotSeparatedError as error:
        message = f"row-level security could not keep teams apart: {error}. Take that away, then run `up` (docs/upgrade.md)"
        finish(Exit.NOT_SEPARATED, message[:MESSAGE_CHARACTERS])


def in_sqlite(file: Path) -> NoReturn:
    """Migrate a copy of an SQLite file, then replace the file by the copy; refuse if a process has the file open."""
    engine = sqlalchemy.create_engine(f"sqlite:///{file}")
    before = revisions.in_database(engine) if file.exists() else None
    engine.dispose()
    refuse_newer(before)
    if before == revisions.head():
        verify(engine)
    if sqlite_file.in_use(file):
        finish(Exit.SERVER_CONNECTED, refusal([f"a process has {file} open"], 0, []))
    with ExitStack() as stack:
        copy = sqlalchemy.create_engine(stack.enter_context(sqlite_file.replaced(file, before)))
        stack.callback(copy.dispose)
        bring_to_head(copy, before)
    verify(engine)


def wait_until_it_answers(engine: sqlalchemy.Engine) -> None:
    end = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            with engine.connect():
                return
        except SQLAlchemyError as error:
            said = str(getattr(error, "orig", error))
            if time.monotonic() > end or REFUSED.search(said):
                finish(
                    Exit.UNREACHABLE,
                    f"no connection to {engine.url.host}:{engine.url.port or ''} as user {engine.url.username}: {said}",
                )
            time.sleep(2)


def refuse_newer(before: str | None) -> None:
    if before is not None and not revisions.known(before):
        finish(
            Exit.NEWER_THAN_IMAGE,
            f"the database is at revision {before}, which MLflow {mlflow.__version__} does not know: a newer image has"
            " upgraded it, and a migration cannot be undone. Nothing was changed. Set server.image to that newer image,"
            " or pause the server, restore a backup from before the upgrade, and deploy (docs/upgrade.md).",
        )


def refuse_invisible(engine: sqlalchemy.Engine, single: str | None) -> None:
    """Refuse to roll out a server that would show only the workspace `single` if others have content."""
    if single is not None and (found := other_workspaces.counted(engine, single)):
        finish(
            Exit.OTHER_WORKSPACES,
            f"nothing was changed: workspaces.enabled is false, and MLflow without workspaces shows only the workspace"
            f" {single}. Nobody would see {other_workspaces.description(found)}. Set workspaces.enabled to true again and"
            f" run `up`, or move everything to the workspace {single} first, with the command in docs/teams.md (One team,"
            " no workspaces).",
        )


def refusal(connected: list[str], revisions_missing: int, in_the_way: list[str]) -> str:
    what = "\n".join(f"  {line}" for line in in_the_way) or "  SQLite cannot migrate a file that is in use"
    return (
        f"nothing was changed: a connected server cannot keep running with the schema of MLflow {mlflow.__version__}"
        f" ({revisions_missing} new revisions). The reasons:\n{what}\nConnected: {', '.join(connected)}.\nWhat to do:"
        " 1. Set server.paused: true with the current server.image, and run `up`. 2. Back up the database. 3. Set the"
        " new server.image, remove server.paused, and run `up`. docs/upgrade.md has each command."
    )


def bring_to_head(engine: sqlalchemy.Engine | one_transaction.Shared, before: str | None) -> None:
    if before is None:
        print(f"empty database: creating the schema of MLflow {mlflow.__version__}", flush=True)
        utils._initialize_tables(engine)
    elif before != revisions.head():
        print(f"upgrading the schema from {before} to {revisions.head()}", flush=True)
        utils._upgrade_db(engine)


def verify(engine: sqlalchemy.Engine, more: str = "") -> NoReturn:
    after, head = revisions.in_database(engine), revisions.head()
    if after != head:
        finish(
            Exit.NOT_AT_HEAD,
            f"the schema is at revision {after} after the migration, expected {head}: restore the backup from before"
            " the upgrade (docs/upgrade.md).",
        )
    finish(Exit.AT_HEAD, f"schema at head {head} of MLflow {mlflow.__version__}{more}")


if __name__ == "__main__":
    main()
