"""Sets the rows of one team back to an earlier state; runs beside the scratch database that has this state.

It shows what would change, and waits for a file that says that somebody has agreed. Then everything is one transaction,
which is undone unless the team's rows are the restored ones and no other team's have changed.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import boto3
import postgresql
import row_rules
import sqlalchemy
import team_exchange
import team_rows
from row_owners import NoOrderError
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from team_exchange import DifferentError, RefusedError

VOLUME = Path(os.environ.get("SCRATCH", "/scratch"))
AGREED = VOLUME / "agreed"
AGREEMENT_SECONDS = 900
DATABASE_SECONDS = 60
# Somebody else has changed a row, or holds a lock on it, or refers to one that was deleted: a program of the team.
BUSY_STATES = {"40001", "40P01", "55P03", "23503"}
TRIES = 5
PAUSE_SECONDS = 3
# The longest that a client of the team may wait for rows that are being exchanged.
TRANSACTION_SECONDS = 600
SCRATCH_URI = f"postgresql+psycopg://mlflow@/mlflow?host={VOLUME / 'run'}"


class StoppedError(Exception):
    """The undelete has ended without a change; the message has the reason."""


def say(sentence):
    """Print a line that `make undelete` shows."""
    print(sentence, flush=True)


def revision(connection):
    """Revision of a database's schema."""
    return connection.exec_driver_sql("SELECT version_num FROM public.alembic_version").scalar()


def refuse_other_schema(then, now):
    """Stop if the schema has changed since then: the rows would not fit into its tables.

    Raises:
        StoppedError: it has.
    """
    if then != now:
        raise StoppedError(
            f"the schema was at revision {then} then, and is at {now} today: MLflow was upgraded in between. Only the"
            " whole database can be restored to that time (docs/backup.md)"
        )


def table_of(differences, mode):
    """The differences as lines of text."""
    lines = [f"  {'table':30} {'missing':>9} {'changed':>9} {'added since':>12}"]
    lines += [f"  {name:30} {one.missing:9} {one.changed:9} {one.added:12}" for name, one in differences.items()]
    if mode == "missing":
        return [*lines, "rows that are missing will be added; changed and added ones stay as they are"]
    return [*lines, "missing rows will be added, changed ones set back, and those added since then deleted"]


def wait_for_agreement():
    """Wait until somebody has agreed to the changes.

    Raises:
        StoppedError: nobody has agreed in time.
    """
    if os.environ.get("AGREED") == "yes":
        return
    say("WAITING")
    end = time.monotonic() + AGREEMENT_SECONDS
    while not AGREED.exists():
        if time.monotonic() > end:
            raise StoppedError(f"nobody has agreed within {AGREEMENT_SECONDS // 60} minutes")
        time.sleep(0.5)


def keep(live, plan, team, moment):
    """Export the team's present rows beside the backups; returns the object's address."""
    file = VOLUME / "kept.tar.gz"
    rows = team_rows.keep(live, plan, team, file)
    bucket, key = os.environ["BACKUP_BUCKET"], f"kept/{team}/{moment:%Y-%m-%dT%H%M%SZ}.tar.gz"
    boto3.client("s3", endpoint_url=os.environ.get("BACKUP_ENDPOINT_URL") or None).upload_file(str(file), bucket, key)
    say(f"{rows} present rows of {team} are kept in s3://{bucket}/{key}")


def exchange(live, plan, team, wanted, mode, then, moment):
    """Run the transaction; returns a sentence about its changes.

    Raises:
        StoppedError: the schema is not at the revision `then`.
    """
    with live.begin():
        refuse_other_schema(then, revision(live))
        if live.connection.driver_connection.info.server_version >= 170000:
            live.exec_driver_sql(f"SET LOCAL transaction_timeout = '{TRANSACTION_SECONDS}s'")
        keep(live, plan, team, moment)
        if mode == "missing":
            return f"{team_exchange.add_missing(live, plan, team)} rows were added"
        team_exchange.replace(live, plan, team, wanted)
    rows = sum(count for count, _ in wanted.values())
    return f"{team} has its {rows} rows of then"


def exchange_until_quiet(live, plan, team, wanted, mode, then):
    """Run the transaction, and try again while programs of the team write.

    Raises:
        StoppedError: a program was writing at each try.
    """
    moment = datetime.now(UTC)
    for tries_left in reversed(range(TRIES)):
        try:
            return exchange(live, plan, team, wanted, mode, then, moment)
        except SQLAlchemyError as error:
            state = getattr(getattr(error, "orig", None), "sqlstate", "")
            if state not in BUSY_STATES:
                raise
            say(f"a program is writing to rows of {team} ({state}); {tries_left} tries left")
            time.sleep(PAUSE_SECONDS)
    raise StoppedError(
        f"programs of {team} were writing in all of {TRIES} tries: archive the team (teams.{team}.archived: true, then"
        " `make up`), and start again"
    )


def undelete(team, mode):
    """Compare, ask, exchange.

    Raises:
        StoppedError: nothing was changed.
    """
    restored = json.loads((VOLUME / "restored.json").read_text())
    scratch = sqlalchemy.create_engine(SCRATCH_URI)
    engine = postgresql.connect(os.environ["MLFLOW_BACKEND_STORE_URI"], os.environ.get("HOSTNAME", "?"))
    with connected(scratch) as then, engine.connect() as live:
        live = live.execution_options(isolation_level="REPEATABLE READ")
        with live.begin():
            refuse_other_schema(schema := revision(then), revision(live))
        plan = team_rows.plan_of(then)
        wanted = team_rows.of_workspace(team_rows.digests(then, plan), team)
        if not wanted:
            raise StoppedError(f"{team} had no rows at {restored['to']}")
        with live.begin():
            say(f"{team} had {team_rows.fetch(then, live, plan, team)} rows at {restored['to']}")
        with live.begin():
            differences = team_rows.differences(live, plan, team)
        if not differences or (mode == "missing" and not any(one.missing for one in differences.values())):
            say("DONE: nothing is missing" if differences else "DONE: every row is as it was")
            return
        for line in table_of(differences, mode):
            say(line)
        wait_for_agreement()
        begin = time.monotonic()
        # The lock of migrations: the schema stays as it is.
        with postgresql.one_writer(engine):
            done = exchange_until_quiet(live, plan, team, wanted, mode, schema)
        say(f"DONE: {done}, after {time.monotonic() - begin:.1f} s")


def connected(engine):
    """A connection to the scratch database, which may just be starting."""
    end = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            return engine.connect()
        except OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def main():
    try:
        undelete(os.environ["TEAM"], os.environ.get("MODE", "whole"))
    except (StoppedError, RefusedError, postgresql.HeldError) as error:
        sys.exit(f"nothing was changed: {error}")
    except OperationalError as error:
        sys.exit(f"nothing was changed: a database does not answer: {error.orig}")
    except (DifferentError, NoOrderError, row_rules.NoRuleError) as error:
        sys.exit(f"nothing was changed, and this is a fault of the platform: {error}")


if __name__ == "__main__":
    main()
