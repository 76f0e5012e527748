"""The MLflow server's pod: what it is given, its command line and environment, and its shape."""

from components.server.args import LABELS, SERVICE_ACCOUNT, MLflowArgs
from components.server.pod import server_pod

__all__ = ["LABELS", "SERVICE_ACCOUNT", "MLflowArgs", "server_pod"]
