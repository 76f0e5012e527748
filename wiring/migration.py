"""The schema migration before the server's rollout."""

import components as c
from components.database import Database
from wiring.context import Context


def migration(context: Context, database: Database) -> c.SchemaMigration:
    """The Job that brings the database to the schema of the server's image."""
    server = context.settings.server
    return c.SchemaMigration(
        "migration",
        c.SchemaMigrationArgs(
            namespace=context.namespace,
            image=context.image(server.image),
            pull_secrets=context.pull_secrets,
            database=database,
            trust=context.trust,
            minutes=server.migration_minutes,
        ),
        context.opts,
    )
