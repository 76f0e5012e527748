"""The MLflow server."""

import pulumi

import components as c
from components.artifact_store import ArtifactStore
from components.database import Database
from components.pods import Resources
from components.server import Autoscaling
from stackfile.model.server import Server
from wiring.context import Context


def server(
    context: Context, database: Database, artifacts: ArtifactStore, login: c.Login, ready: list[pulumi.Resource]
) -> c.MLflow:
    """The MLflow server, sized as the settings say."""
    sizes = context.settings.server
    return c.MLflow(
        "mlflow",
        c.MLflowArgs(
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
