"""Creation of the database's exporter, and of metrics discovery, alert rules and dashboard."""

from collections.abc import Iterator

from components.database.database import Database
from components.monitoring import target
from components.monitoring.alert import Watched
from components.monitoring.dashboard import dashboard
from components.monitoring.database_exporter import DatabaseExporter, DatabaseExporterArgs
from components.monitoring.monitoring import Monitoring, MonitoringArgs, Operator
from components.monitoring.rules import rules
from components.monitoring.target import Target
from factories.context import Context
from settings import Settings
from settings.schema.artifacts import InClusterArtifacts
from settings.schema.database import InClusterDatabase
from settings.schema.gateway import IngressGateway
from settings.schema.login import DevelopmentLogin
from settings.types.quantities import size_in_bytes


def monitoring(context: Context, database: Database) -> Monitoring | None:
    """Discovery of the metrics, alert rules and dashboard; None if the settings ask for no metrics."""
    settings = context.settings.monitoring
    if not settings.served:
        return None
    if database.statistics is not None:
        DatabaseExporter(
            "postgres-exporter",
            DatabaseExporterArgs(
                namespace=context.namespace,
                image=context.image(context.settings.images.postgres_exporter),
                pull_secrets=context.pull_secrets,
                scheduling=context.scheduling,
                statistics=database.statistics,
                flows=database.flows,
                ready=database.ready,
            ),
            context.opts,
        )
    stack = watched(context.settings)
    operator = Operator(labels=settings.labels, rules=rules(stack) if settings.rules else None)
    return Monitoring(
        "monitoring",
        MonitoringArgs(
            namespace=context.namespace,
            targets=stack.targets,
            scraper_namespace=settings.namespace,
            scraper_labels=settings.pod_labels,
            operator=operator if settings.metrics == "service-monitor" else None,
            dashboard=dashboard(stack) if settings.dashboard else None,
        ),
        context.opts,
    )


def watched(settings: Settings) -> Watched:
    """The settings of a stack that its alerts and its dashboard depend on."""
    database = settings.database
    return Watched(
        namespace=settings.namespace,
        host=settings.host,
        teams=sorted(settings.teams),
        replicas=0 if settings.server.paused else settings.server.replicas,
        targets=list(_targets(settings)),
        database_bytes=int(size_in_bytes(database.storage)) if isinstance(database, InClusterDatabase) else None,
    )


def _targets(settings: Settings) -> Iterator[Target]:
    """The targets that the stack has."""
    yield from (target.HAPROXY, target.LOGIN)
    gateway = settings.gateway
    if isinstance(gateway, IngressGateway) and gateway.login == "forward-auth":
        yield from (target.FORWARD_AUTH_HAPROXY, target.FORWARD_AUTH)
    if isinstance(settings.login, DevelopmentLogin):
        yield target.DEX
    if isinstance(settings.artifacts, InClusterArtifacts):
        yield target.STORE
    if isinstance(settings.database, InClusterDatabase):
        yield target.DATABASE
