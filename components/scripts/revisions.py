"""Schema revisions of MLflow: of a database, of this image, and the SQL statements of the revisions between the two.

This module calls private functions of MLflow, the same as `mlflow db upgrade` does; MLflow has no public ones.
"""

from dataclasses import dataclass

import sqlalchemy
from additive import New, obstacles
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from mlflow.store.db import utils

_SCRIPTS = ScriptDirectory.from_config(utils._get_alembic_config(""))


@dataclass(frozen=True)
class NothingButDialect:
    """Substitute for a database connection, with no attribute but the SQL dialect.

    A migration that uses any other attribute of the connection fails with an AttributeError.
    """

    dialect: sqlalchemy.Dialect


def head() -> str:
    """The newest schema revision of this image's MLflow, which its server needs."""
    return utils._get_latest_schema_revision()


def in_database(engine: sqlalchemy.Engine) -> str | None:
    """Schema revision of a database; None before the first migration."""
    if not sqlalchemy.inspect(engine).has_table("alembic_version"):
        return None
    return utils._get_schema_version(engine)


def known(revision: str) -> bool:
    """True if this image's MLflow has a migration to `revision`."""
    try:
        return _SCRIPTS.get_revision(revision) is not None
    except CommandError:
        return False


def missing(revision: str) -> list[Script]:
    """The revisions that a database at `revision` lacks, oldest first."""
    return list(reversed(list(_SCRIPTS.iterate_revisions(head(), revision))))


def in_the_way(revisions: list[Script]) -> list[str]:
    """Reasons why a server of the old version cannot keep running during `revisions`; empty if the server can."""
    new, found = New(), []
    for revision in revisions:
        try:
            faults = obstacles(statements(revision), new)
        except Exception as error:  # noqa: BLE001 - without a database a migration can raise any exception
            faults = [f"its statements depend on data in the database and cannot be checked ({type(error).__name__})"]
        found += [f"{revision.revision} ({revision.doc}): {fault}" for fault in faults]
    return found


def statements(revision: Script) -> list[str]:
    """The SQL statements that a revision would run on PostgreSQL, computed without a database.

    A revision that reads from the database raises an exception.
    """
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True})
    told: list[str] = []

    def note(construct, *_args, **_options):
        told.append(construct if isinstance(construct, str) else str(construct.compile(dialect=context.dialect)))

    context.impl._exec = note
    context.connection = NothingButDialect(context.dialect)
    with Operations.context(context):
        revision.module.upgrade()
    return told
