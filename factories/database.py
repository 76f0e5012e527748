"""Where MLflow keeps its metadata."""

from components.database.database import Database
from components.database.external_database import AdministratorArgs, ExternalDatabase, ExternalDatabaseArgs
from components.database.postgres import SHARED_FRACTION, Postgres, PostgresArgs
from components.database.sqlite import Sqlite, SqliteArgs
from components.mlflow.args import LABELS as SERVER
from components.mlflow.migration import LABELS as MIGRATION
from factories.context import Context
from factories.credentials import password
from settings import ExternalDatabase as ExternalDatabaseSettings
from settings import InClusterDatabase, RdsDatabase, SqliteDatabase
from stackfile.quantities import mebibytes


def database(context: Context) -> Database:
    """PostgreSQL in the cluster, at RDS, or somebody else's, or a file."""
    chosen = context.settings.database
    if isinstance(chosen, InClusterDatabase):
        return Postgres(
            "postgres",
            PostgresArgs(
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
    if isinstance(chosen, RdsDatabase):
        from factories.aws import rds  # noqa: PLC0415 - loads pulumi_aws, which takes seconds

        return rds(context, chosen)
    if isinstance(chosen, SqliteDatabase):
        return Sqlite(
            "sqlite",
            SqliteArgs(
                namespace=context.namespace,
                storage=chosen.storage,
                storage_class=context.settings.cluster.storage_class,
            ),
            context.opts,
        ).database
    return ExternalDatabase(
        "database",
        ExternalDatabaseArgs(
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


def _administrator(context: Context, chosen: ExternalDatabaseSettings) -> AdministratorArgs | None:
    given = chosen.administrator
    if given is None:
        return None
    return AdministratorArgs(
        user=given.user, password=password(given.credentials, context.secrets.database_administrator_password)
    )
