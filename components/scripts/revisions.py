"""Which revisions of MLflow's schema lie between a database and this image, and what they would do to it.

The functions with an underscore are what `mlflow db upgrade` calls; MLflow has no public ones.
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
    """Stands for the database where a migration asks which kind it is; whoever asks for more gets an error."""

    dialect: sqlalchemy.Dialect


def head() -> str:
    """The revision that this image's MLflow works with."""
    return utils._get_latest_schema_revision()


def in_database(engine: sqlalchemy.Engine) -> str | None:
    """Revision in the database, None before the first migration."""
    if not sqlalchemy.inspect(engine).has_table("alembic_version"):
        return None
    return utils._get_schema_version(engine)


def known(revision: str) -> bool:
    """Whether this image's MLflow has the revision among its migrations."""
    try:
        return _SCRIPTS.get_revision(revision) is not None
    except CommandError:
        return False


def missing(revision: str) -> list[Script]:
    """The revisions that a database lacks, oldest first."""
    return list(reversed(list(_SCRIPTS.iterate_revisions(head(), revision))))


def in_the_way(revisions: list[Script]) -> list[str]:
    """Why a server of the old version could not go on meanwhile; nothing means that it can."""
    new, found = New(), []
    for revision in revisions:
        try:
            faults = obstacles(statements(revision), new)
        except Exception as error:  # noqa: BLE001 - whatever a migration raises that does not find a database
            faults = [f"what it does depends on what is in the database ({type(error).__name__})"]
        found += [f"{revision.revision} ({revision.doc}): {fault}" for fault in faults]
    return found


def statements(revision: Script) -> list[str]:
    """What a revision would tell PostgreSQL, as far as it can be told without a database."""
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True})
    told: list[str] = []

    def note(construct, *_args, **_options):
        told.append(construct if isinstance(construct, str) else str(construct.compile(dialect=context.dialect)))

    context.impl._exec = note
    context.connection = NothingButDialect(context.dialect)
    with Operations.context(context):
        revision.module.upgrade()
    return told
