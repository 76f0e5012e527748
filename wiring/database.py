"""Where MLflow keeps its metadata."""

import components as c
import settings as s
from components.database import Database
from components.migration import LABELS as MIGRATION
from components.postgres import SHARED_FRACTION
from components.server import LABELS as SERVER
from stackfile.quantities import mebibytes
from wiring.context import Context
from wiring.credentials import password


def database(context: Context) -> Database:
    """PostgreSQL in the cluster, at RDS, or somebody else's, or a file."""
    chosen = context.settings.database
    if isinstance(chosen, s.InClusterDatabase):
        return c.Postgres(
            "postgres",
            c.PostgresArgs(
                namespace=context.namespace,
                image=context.image(context.settings.images.postgres),
                pull_secrets=context.pull_secrets,
                storage=chosen.storage,
                storage_class=context.settings.cluster.storage_class,
                max_connections=chosen.max_connections,
                shared_mebibytes=int(mebibytes(chosen.memory_limit) * SHARED_FRACTION),
                memory_limit=chosen.memory_limit,
                clients=(SERVER, MIGRATION),
                durable=context.settings.durable,
            ),
            context.opts,
        ).database
    if isinstance(chosen, s.RdsDatabase):
        from wiring.aws import rds  # noqa: PLC0415 - loads pulumi_aws, which takes seconds

        return rds(context, chosen)
    if isinstance(chosen, s.SqliteDatabase):
        return c.Sqlite(
            "sqlite",
            c.SqliteArgs(
                namespace=context.namespace,
                storage=chosen.storage,
                storage_class=context.settings.cluster.storage_class,
            ),
            context.opts,
        ).database
    return c.ExternalDatabase(
        "database",
        c.ExternalDatabaseArgs(
            namespace=context.namespace,
            host=chosen.host,
            port=chosen.port,
            name=chosen.name,
            user=chosen.user,
            password=password(chosen.credentials, context.secrets.database_password),
            authority=chosen.authority,
            administrator=_administrator(context, chosen),
            image=context.image(context.settings.server.image),
            pull_secrets=context.pull_secrets,
            trust=context.trust,
        ),
        context.opts,
    ).database


def _administrator(context: Context, chosen: s.ExternalDatabase) -> c.AdministratorArgs | None:
    given = chosen.administrator
    if given is None:
        return None
    return c.AdministratorArgs(
        user=given.user, password=password(given.credentials, context.secrets.database_administrator_password)
    )
