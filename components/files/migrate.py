"""Brings the database to the schema of this image's MLflow, and verifies that it is there.

Runs in a Job before the server is rolled out. One writer at a time: an advisory lock of PostgreSQL is held until the
end. The functions with an underscore are what `mlflow db upgrade` calls; MLflow has no public ones.

Exit codes: 0 at head; 13 another revision than head afterwards; 14 the database is newer than this image.
"""

import sys
from os import environ
from pathlib import Path
from typing import NoReturn

import mlflow
import sqlalchemy
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from mlflow.store.db import utils

# Any number that no other program uses in this database; MLflow itself takes no advisory lock.
LOCK = 0x4D4C464C
NOT_AT_HEAD, NEWER_THAN_IMAGE = 13, 14


def finish(code: int, message: str) -> NoReturn:
    """Leave the message where `kubectl describe` and the deployment's error text show it."""
    print(message, flush=True)
    Path("/dev/termination-log").write_text(message, encoding="utf-8")
    sys.exit(code)


def main() -> NoReturn:
    engine = sqlalchemy.create_engine(environ["MLFLOW_BACKEND_STORE_URI"])
    head = utils._get_latest_schema_revision()
    with engine.connect() as lock:
        lock.execute(sqlalchemy.text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        before = revision(engine)
        if before is None:
            print(f"empty database: creating the schema of MLflow {mlflow.__version__}", flush=True)
            utils._initialize_tables(engine)
        elif not known(before, engine):
            finish(
                NEWER_THAN_IMAGE,
                f"the database is at revision {before}, which MLflow {mlflow.__version__} does not know: a newer "
                "image has upgraded it. Deploy that image again, or restore a backup from before the upgrade.",
            )
        elif before != head:
            print(f"upgrading the schema from {before} to {head}", flush=True)
            utils._upgrade_db(engine)
        after = revision(engine)
    if after != head:
        finish(NOT_AT_HEAD, f"the schema is at {after} after the migration, expected {head}: restore a backup.")
    finish(0, f"schema at head {head} of MLflow {mlflow.__version__}")


def revision(engine: sqlalchemy.Engine) -> str | None:
    """Revision in the database, None before the first migration."""
    if not sqlalchemy.inspect(engine).has_table("alembic_version"):
        return None
    return utils._get_schema_version(engine)


def known(wanted: str, engine: sqlalchemy.Engine) -> bool:
    """Whether this image's MLflow has the revision among its migrations."""
    scripts = ScriptDirectory.from_config(utils._get_alembic_config(str(engine.url)))
    try:
        return scripts.get_revision(wanted) is not None
    except CommandError:
        return False


if __name__ == "__main__":
    main()
