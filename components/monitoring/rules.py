"""All alerts of a stack, and the content of a file of rules."""

from components.monitoring.alert import Alert, Watched, group
from components.monitoring.cluster_alerts import cluster_alerts, metrics_alerts
from components.monitoring.server_alerts import login_alerts, server_alerts
from components.monitoring.storage_alerts import artifact_alerts, backup_alerts, database_alerts

# By the name of the group of rules.
SUBJECTS = {
    "server": server_alerts,
    "login": login_alerts,
    "database": database_alerts,
    "artifacts": artifact_alerts,
    "backups": backup_alerts,
    "cluster": cluster_alerts,
    "metrics": metrics_alerts,
}


def alerts(watched: Watched) -> list[Alert]:
    """All alerts of a stack."""
    return [alert for subject in SUBJECTS.values() for alert in subject(watched)]


def rules(watched: Watched) -> dict[str, object]:
    """Content of a file of rules, which is also the spec of a PrometheusRule."""
    groups = ((subject, list(build(watched))) for subject, build in SUBJECTS.items())
    return {"groups": [group(watched, subject, found) for subject, found in groups if found]}
