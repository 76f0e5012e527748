"""The MLflow server."""

import pulumi

from components.artifacts.artifact_store import ArtifactStore
from components.database.database import Database
from components.kubernetes.pods import Resources
from components.login.oauth2_proxy import Login
from components.mlflow.args import Autoscaling, MLflowArgs
from components.mlflow.server import MLflow
from factories.context import Context
from stackfile.model.server import Server


def server(
    context: Context, database: Database, artifacts: ArtifactStore, login: Login, ready: list[pulumi.Resource]
) -> MLflow:
    """The MLflow server, sized as the settings say."""
    sizes = context.settings.server
    return MLflow(
        "mlflow",
        MLflowArgs(
            namespace=context.namespace,
            image=context.image(sizes.image),
            pull_secrets=context.pull_secrets,
            address=context.address,
            replicas=0 if sizes.paused else sizes.replicas,
            autoscaling=None if sizes.paused else _autoscaling(sizes),
            spread=sizes.spread,
            termination_seconds=sizes.termination_seconds,
            workers=sizes.workers,
            pool_size=sizes.pool_size,
            pool_overflow=sizes.pool_overflow,
            resources=Resources(
                cpu=sizes.cpu,
                memory=sizes.memory,
                cpu_limit=sizes.cpu_limit,
                memory_limit=sizes.memory_limit,
            ),
            upload_space=sizes.upload_space,
            access_cache_seconds=sizes.access_cache_seconds,
            database=database,
            artifacts=artifacts,
            trust=context.trust,
            login=login,
            only_workspace=None if context.settings.workspaces.enabled else min(context.settings.teams),
            contact=context.settings.access.contact,
            controller_namespace=context.settings.cluster.ingress_namespace,
            client_namespaces=context.settings.client_namespaces,
            api_server=context.settings.cluster.api_server,
            ready=ready,
        ),
        context.opts,
    )


def _autoscaling(sizes: Server) -> Autoscaling | None:
    chosen = sizes.autoscaling
    if chosen is None:
        return None
    return Autoscaling(max_replicas=chosen.max_replicas, cpu_percent=chosen.cpu_percent)
