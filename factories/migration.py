"""The schema migration before the server's rollout."""

from components.database.database import Database
from components.mlflow.migration import SchemaMigration, SchemaMigrationArgs
from factories.context import Context


def migration(context: Context, database: Database) -> SchemaMigration:
    """The Job that brings the database to the schema of the server's image."""
    server = context.settings.server
    return SchemaMigration(
        "migration",
        SchemaMigrationArgs(
            namespace=context.namespace,
            image=context.image(server.image),
            pull_secrets=context.pull_secrets,
            database=database,
            trust=context.trust,
            minutes=server.migration_minutes,
        ),
        context.opts,
    )
