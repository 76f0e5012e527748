"""Indexes for the searches of large databases, in addition to those of MLflow's schema.

They are created while the server works (`CONCURRENTLY`), after each migration. A migration of MLflow's that changes one
of their columns drops or rebuilds them itself, as PostgreSQL does with every index; the next run of the script creates
what is missing. Their names begin with `PREFIX`, which MLflow does not use.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

PREFIX = "mlflow_platform_"


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its table and the columns of the searches that need it."""

    name: str
    table: str
    columns: str


INDEXES = (
    # A search of the runs of one experiment, newest first: MLflow's schema has no index on the experiment, so that
    # PostgreSQL reads the runs of all teams.
    Index(f"{PREFIX}runs_of_experiment", "runs", "experiment_id, lifecycle_stage, start_time DESC"),
    # The same for the logged models of an experiment, and the models that a run has logged.
    Index(f"{PREFIX}models_of_experiment", "logged_models", "experiment_id, creation_timestamp_ms DESC"),
    Index(f"{PREFIX}models_of_run", "logged_models", "source_run_id"),
    # The page of a run asks for the model versions that came from it.
    Index(f"{PREFIX}versions_of_run", "model_versions", "run_id"),
)


def bring_in_line(engine: sqlalchemy.Engine) -> list[str]:
    """Create the indexes that are missing or incomplete; returns a sentence for each that was created or failed.

    A failure is no reason to refuse the server: without an index it is slower. Other sessions' transactions may last
    longer than the wait for a lock.
    """
    # CREATE INDEX CONCURRENTLY cannot run in a transaction.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        return list(_brought(session))


def _brought(session: sqlalchemy.Connection) -> Iterator[str]:
    found = {
        row.name: row.valid
        for row in session.execute(
            text(
                "SELECT relname AS name, indisvalid AS valid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
                " WHERE relnamespace = 'public'::regnamespace AND starts_with(relname, :prefix)"
            ),
            {"prefix": PREFIX},
        )
    }
    for index in INDEXES:
        if found.get(index.name):
            continue
        try:
            if index.name in found:
                # What is left of a creation that was interrupted: writes keep it up to date, and no search uses it.
                session.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS public.{index.name}"))
            session.execute(
                text(f"CREATE INDEX CONCURRENTLY {index.name} ON public.{index.table} ({index.columns})")
            )
        except SQLAlchemyError as error:
            yield f"index {index.name} could not be created, the next `up` tries again: {getattr(error, 'orig', error)}"
        else:
            yield f"index {index.name} created"
