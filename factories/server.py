"""Creation of the MLflow server, and of the schema migration that runs before the server's rollout."""

import pulumi

from components.artifacts.artifact_store import ArtifactStore
from components.database.database import Database
from components.database.proof import NAME as PROVE_BACKUP
from components.kubernetes.pods import Resources
from components.login.oauth2_proxy import Login
from components.mlflow.args import Autoscaling, MLflowArgs
from components.mlflow.migration import SchemaMigration, SchemaMigrationArgs
from components.mlflow.proof import Proof
from components.mlflow.server import MLflow
from components.mlflow.webhook_proxy import WebhookProxy, WebhookProxyArgs
from factories.context import Context
from settings.schema.server import Server


def migration(context: Context, database: Database) -> SchemaMigration:
    """The Job that migrates the database's schema to the MLflow version of the server's image."""
    settings = context.settings.server
    return SchemaMigration(
        "migration",
        SchemaMigrationArgs(
            namespace=context.namespace,
            image=context.image(settings.image),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            database=database,
            multi_tenant=context.settings.workspaces.enabled,
            trust=context.trust,
            minutes=settings.migration_minutes,
            proof=_proof(context),
        ),
        context.opts,
    )


def _proof(context: Context) -> Proof | None:
    """The proof of the backups that a migration asks for, if there are backups."""
    settings = context.settings
    if not settings.backed_up or not settings.server.migration.require_backup:
        return None
    return Proof(cron_job=PROVE_BACKUP, api_server=settings.cluster.api_server)


def webhook_proxy(context: Context) -> list[pulumi.Resource]:
    """Create the webhook proxy; returns the resources that the server waits for, none while webhooks are off."""
    settings = context.settings.server
    if "webhooks" not in settings.features:
        return []
    proxy = WebhookProxy(
        "webhook-proxy",
        WebhookProxyArgs(
            namespace=context.namespace,
            image=context.image(context.settings.images.webhook_proxy),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            hosts=settings.webhook_hosts,
            seconds=settings.bounds.webhook_seconds,
            parent=context.proxy,
        ),
        context.opts,
    )
    return proxy.ready


def server(
    context: Context, database: Database, artifact_store: ArtifactStore, login: Login, ready: list[pulumi.Resource]
) -> MLflow:
    """The MLflow server; without a Deployment if `server.paused` is true."""
    settings = context.settings.server
    return MLflow(
        "mlflow",
        MLflowArgs(
            namespace=context.namespace,
            image=context.image(settings.image),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            address=context.address,
            replicas=0 if settings.paused else settings.replicas,
            autoscaling=None if settings.paused else _autoscaling(settings),
            spread=settings.spread,
            termination_seconds=settings.termination_seconds,
            workers=settings.workers,
            pool_size=settings.pool_size,
            pool_overflow=settings.pool_overflow,
            resources=Resources(
                cpu=settings.cpu,
                memory=settings.memory,
                cpu_limit=settings.cpu_limit,
                memory_limit=settings.memory_limit,
            ),
            upload_space=settings.upload_space,
            access_cache_seconds=settings.access_cache_seconds,
            bounds=settings.bounds.model_dump(),
            database=database,
            artifact_store=artifact_store,
            trust=context.trust,
            proxy=context.proxy,
            login=login,
            only_workspace=None if context.settings.workspaces.enabled else min(context.settings.teams),
            workspace_labels=context.settings.workspace_labels,
            contact=context.settings.access.contact,
            domain=context.settings.cluster.domain,
            controller=context.controller,
            client_namespaces=context.settings.client_namespaces,
            api_server=context.settings.cluster.api_server,
            features=settings.features,
            webhook_hosts=settings.webhook_hosts,
            durable=context.settings.durable,
            ready=ready,
        ),
        context.opts,
    )


def _autoscaling(settings: Server) -> Autoscaling | None:
    autoscaling = settings.autoscaling
    if autoscaling is None:
        return None
    return Autoscaling(max_replicas=autoscaling.max_replicas, cpu_percent=autoscaling.cpu_percent)
