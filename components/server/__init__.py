"""The MLflow server's pod: what it is given, its command line and environment, its shape, and how it is rolled out."""

from components.server.args import LABELS, SERVICE_ACCOUNT, Autoscaling, MLflowArgs
from components.server.pod import server_pod
from components.server.rollout import autoscaler, most_replicas, replicas, strategy

__all__ = [
    "LABELS",
    "SERVICE_ACCOUNT",
    "Autoscaling",
    "MLflowArgs",
    "autoscaler",
    "most_replicas",
    "replicas",
    "server_pod",
    "strategy",
]
