"""Creation of the CronJob that deletes or archives old data."""

from components.artifacts.artifact_store import ArtifactStore
from components.database.database import Database
from components.mlflow.migration import SchemaMigration
from components.mlflow.retention import LABELS, Days, Retention, RetentionArgs
from factories.context import Context
from settings import Settings


def retention_clients(settings: Settings) -> tuple[dict[str, str], ...]:
    """Labels of the CronJob's pods, which connect to database and artifact store; empty without the CronJob."""
    return (LABELS,) if settings.retained_teams else ()


def retention(
    context: Context, database: Database, artifact_store: ArtifactStore, migration: SchemaMigration
) -> Retention | None:
    """The CronJob; None if no team's data is ever deleted or archived."""
    settings = context.settings
    if not settings.retained_teams:
        return None
    return Retention(
        "retention",
        RetentionArgs(
            namespace=context.namespace,
            image=context.image(settings.server.image),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            database=database,
            artifact_store=artifact_store,
            trust=context.trust,
            teams={team: _days(settings, team) for team in settings.retained_teams},
            multi_tenant=settings.workspaces.enabled,
            hour=settings.retention.hour,
            suspended=settings.server.paused,
            ready=[migration.done],
        ),
        context.opts,
    )


def _days(settings: Settings, team: str) -> Days:
    days = settings.team(team).retention
    return Days(
        deleted_days=days.deleted_days or None,
        trace_days=days.trace_days or None,
        archive_days=days.archive_days or None,
    )
