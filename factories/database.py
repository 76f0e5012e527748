"""Creation of the database for MLflow's metadata."""

from components.database.database import Database
from components.database.external_database import (
    AdministratorArgs,
    ExternalDatabase,
    ExternalDatabaseArgs,
    ReplicaArgs,
    ServerRoleArgs,
)
from components.database.postgres import Postgres, PostgresArgs
from components.database.sqlite import Sqlite, SqliteArgs
from components.database.undelete import LABELS as UNDELETE
from components.mlflow.args import LABELS as SERVER
from components.mlflow.migration import LABELS as MIGRATION
from components.monitoring.database_exporter import LABELS as EXPORTER
from factories.backups import BackupBucket, backups
from factories.context import Context
from factories.credentials import password
from factories.retention import retention_clients
from settings.schema.database import ExternalDatabase as ExternalDatabaseSettings
from settings.schema.database import InClusterDatabase, SqliteDatabase
from settings.schema.rds import RdsDatabase
from settings.sizing.postgres import shared_mebibytes


def database(context: Context, bucket: BackupBucket | None) -> Database:
    """The database: PostgreSQL in the cluster, at RDS or elsewhere, or an SQLite file.

    `bucket` is for the backups of PostgreSQL in the cluster.
    """
    settings = context.settings.database
    if isinstance(settings, InClusterDatabase):
        return _postgres(context, settings, bucket)
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
            replica=settings.replica and ReplicaArgs(host=settings.replica.host, port=settings.replica.port),
            authority=settings.authority,
            server=_server(context, settings),
            image=context.image(context.settings.server.image),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            trust=context.trust,
        ),
        context.opts,
    ).database


def _postgres(context: Context, settings: InClusterDatabase, bucket: BackupBucket | None) -> Database:
    """PostgreSQL in the cluster."""
    undelete = () if bucket is None else (UNDELETE,)
    exporter = (EXPORTER,) if context.settings.monitoring.served else ()
    return Postgres(
        "postgres",
        PostgresArgs(
            namespace=context.namespace,
            image=context.image(context.settings.images.postgres),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            storage=settings.storage,
            storage_class=context.settings.cluster.storage_class,
            max_connections=settings.max_connections,
            shared_mebibytes=shared_mebibytes(settings),
            memory_limit=settings.memory_limit,
            clients=(SERVER, MIGRATION, *retention_clients(context.settings), *exporter, *undelete),
            rotation=settings.rotation,
            backups=backups(context, bucket),
            durable=context.settings.durable,
            metrics=context.settings.monitoring.served,
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
