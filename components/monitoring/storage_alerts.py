"""Alerts about the in-cluster database, the in-cluster artifact store, and backups."""

from collections.abc import Iterator

from components.monitoring.alert import Alert, Watched
from components.monitoring.target import DATABASE, STORE

DAYS = 3 * 86400
# Autovacuum begins at 0.2 billion; at 2.1 billion PostgreSQL refuses writes.
TRANSACTION_IDS = 1_000_000_000
LONG_TRANSACTION_SECONDS = 600
# Part of the volume that the write-ahead log and temporary files leave for the database.
SHARE = 0.8
# A day, and two hours for the backup itself.
BACKUP_SECONDS = 26 * 3600


def database_alerts(watched: Watched) -> Iterator[Alert]:
    """Alerts about PostgreSQL; empty if the platform does not run it."""
    if not watched.has(DATABASE):
        return
    yield Alert(
        name="MlflowDatabaseDown",
        expression=f"{watched.series('pg_up', DATABASE)} == 0",
        minutes=1,
        severity="critical",
        summary="PostgreSQL does not answer: MLflow cannot serve anything.",
    )
    used = watched.series("pg_stat_database_numbackends", DATABASE)
    yield Alert(
        name="MlflowDatabaseConnections",
        expression=f"sum({used}) / max({watched.series('pg_settings_max_connections', DATABASE)}) > 0.8",
        minutes=5,
        severity="warning",
        summary="More than 80 % of PostgreSQL's connections are in use (database.maxConnections).",
    )
    transactions = watched.series("pg_stat_activity_max_tx_duration", DATABASE, more='datname="mlflow"')
    yield Alert(
        name="MlflowDatabaseLongTransaction",
        expression=f"max({transactions}) > {LONG_TRANSACTION_SECONDS}",
        minutes=5,
        severity="warning",
        summary="A transaction has been open for more than 10 minutes.",
    )
    waiting = watched.series("pg_stat_activity_count", DATABASE, more='datname="mlflow",wait_event_type="Lock"')
    yield Alert(
        name="MlflowDatabaseLockWaits",
        expression=f"sum({waiting}) > 5",
        minutes=5,
        severity="warning",
        summary="More than 5 sessions wait for a lock that another session holds.",
    )
    deadlocks = watched.series("pg_stat_database_deadlocks", DATABASE, more='datname="mlflow"')
    yield Alert(
        name="MlflowDatabaseDeadlocks",
        expression=f"increase({deadlocks}[15m]) > 3",
        minutes=0,
        severity="warning",
        summary="PostgreSQL has ended transactions because of deadlocks.",
    )
    yield from _growth(watched)


def _growth(watched: Watched) -> Iterator[Alert]:
    # The exporter's name of the metric says seconds; the value is a number of transactions.
    age = watched.series("pg_database_wraparound_age_datfrozenxid_seconds", DATABASE)
    yield Alert(
        name="MlflowDatabaseTransactionIds",
        expression=f"max({age}) > {TRANSACTION_IDS}",
        minutes=60,
        severity="critical",
        summary="VACUUM does not keep up: at 2.1 billion transactions PostgreSQL refuses writes.",
    )
    if watched.database_bytes is not None:
        size = watched.series("pg_database_size_bytes", DATABASE, more='datname="mlflow"')
        yield Alert(
            name="MlflowDatabaseGrows",
            expression=f"predict_linear({size}[1d], {DAYS}) > {round(watched.database_bytes * SHARE)}",
            minutes=60,
            severity="warning",
            summary="In 3 days the database will need more than 80 % of its volume (database.storage).",
        )


def artifact_alerts(watched: Watched) -> Iterator[Alert]:
    """Alerts about SeaweedFS; empty if the artifacts are elsewhere."""
    if not watched.has(STORE):
        return
    yield Alert(
        name="MlflowStoreDown",
        expression=f"absent({watched.series('up', STORE)} == 1)",
        minutes=2,
        severity="critical",
        summary="The artifact store is not running: artifacts can be neither written nor read.",
    )
    requests = "SeaweedFS_s3_request_total"
    failed = watched.series(requests, STORE, more='code=~"5.."')
    yield Alert(
        name="MlflowStoreErrors",
        expression=f"sum(rate({failed}[5m])) / sum(rate({watched.series(requests, STORE)}[5m])) > 0.05",
        minutes=5,
        severity="warning",
        summary="More than 5 % of the artifact store's answers are errors of its own.",
    )
    disk = "SeaweedFS_volumeServer_resource"
    free, size = watched.series(disk, STORE, more='type="avail"'), watched.series(disk, STORE, more='type="all"')
    yield Alert(
        name="MlflowStoreAlmostFull",
        expression=f"sum({free}) / sum({size}) < 0.1",
        minutes=5,
        severity="critical",
        summary="Less than 10 % of the artifact store's volume is free (artifacts.storage).",
    )
    yield Alert(
        name="MlflowStoreFillsUp",
        expression=f"predict_linear({free}[1d], {DAYS}) < 0",
        minutes=60,
        severity="warning",
        summary="At the speed of the last day, the artifact store's volume is full in 3 days.",
    )


def backup_alerts(watched: Watched) -> Iterator[Alert]:
    """Alerts about backups."""
    yield Alert(
        name="MlflowBackupTooOld",
        expression=(
            f'max by (kind) (mlflow_platform_backup_age_seconds{{namespace="{watched.namespace}"}}) > {BACKUP_SECONDS}'
        ),
        minutes=10,
        severity="critical",
        summary="The last backup is older than 26 hours.",
        needs="mlflow_platform_backup_age_seconds",
    )
