"""Creation of the database for MLflow's metadata."""

from components.database.database import Database
from components.database.external_database import (
    AdministratorArgs,
    ExternalDatabase,
    ExternalDatabaseArgs,
    ServerRoleArgs,
)
from components.database.postgres import Postgres, PostgresArgs
from components.database.sqlite import Sqlite, SqliteArgs
from components.mlflow.args import LABELS as SERVER
from components.mlflow.migration import LABELS as MIGRATION
from factories.context import Context
from factories.credentials import password
from settings.schema.database import ExternalDatabase as ExternalDatabaseSettings
from settings.schema.database import InClusterDatabase, SqliteDatabase
from settings.schema.rds import RdsDatabase
from settings.sizing.postgres import shared_mebibytes


def database(context: Context) -> Database:
    """The database: PostgreSQL in the cluster, at RDS or elsewhere, or an SQLite file."""
    settings = context.settings.database
    if isinstance(settings, InClusterDatabase):
        return Postgres(
            "postgres",
            PostgresArgs(
                namespace=context.namespace,
                image=context.image(context.settings.images.postgres),
                pull_secrets=context.pull_secrets,
                storage=settings.storage,
                storage_class=context.settings.cluster.storage_class,
                max_connections=settings.max_connections,
                shared_mebibytes=shared_mebibytes(settings),
                memory_limit=settings.memory_limit,
                clients=(SERVER, MIGRATION),
                durable=context.settings.durable,
            ),
            context.opts,
        ).database
    if isinstance(settings, RdsDatabase):
        from factories.aws import rds  # noqa: PLC0415 - loads pulumi_aws, which takes seconds

        return rds(context, settings)
    if isinstance(settings, SqliteDatabase):
        return Sqlite(
            "sqlite",
            SqliteArgs(
                namespace=context.namespace,
                storage=settings.storage,
                storage_class=context.settings.cluster.storage_class,
            ),
            context.opts,
        ).database
    return ExternalDatabase(
        "database",
        ExternalDatabaseArgs(
            namespace=context.namespace,
            host=settings.host,
            port=settings.port,
            name=settings.name,
            user=settings.user,
            password=password(settings.credentials, context.secrets.database_password),
            authority=settings.authority,
            server=_server(context, settings),
            image=context.image(context.settings.server.image),
            pull_secrets=context.pull_secrets,
            trust=context.trust,
        ),
        context.opts,
    ).database


def _server(context: Context, settings: ExternalDatabaseSettings) -> AdministratorArgs | ServerRoleArgs | None:
    """The server's own role: created by the administrator, existing, or none."""
    if administrator := settings.administrator:
        secret = password(administrator.credentials, context.secrets.database_administrator_password)
        return AdministratorArgs(user=administrator.user, password=secret)
    if server := settings.server:
        secret = password(server.credentials, context.secrets.database_server_password)
        return ServerRoleArgs(user=server.user, password=secret)
    return None
