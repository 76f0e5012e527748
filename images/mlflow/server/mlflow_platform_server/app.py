"""`mlflow server --app-name mlflow-platform`: MLflow, the Kubernetes authorisation around it, and the door around both.

What is sent for an artifact is decided inside the authorisation: the routes are the ones that the plugin knows, and
it refuses to start with a route that it has no rule for.
"""

import os
from typing import Any

from anyio import to_thread
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.server import fastapi_app, handlers
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore
from mlflow_kubernetes_plugins.auth import middleware
from mlflow_kubernetes_plugins.auth.authorizer import AuthorizationMode, KubernetesAuthConfig
from starlette.routing import Mount

from mlflow_platform_server import downloads, routes, stages
from mlflow_platform_server.artifacts import ProxiedS3ArtifactRepository
from mlflow_platform_server.below_path import BelowPath
from mlflow_platform_server.door import Door
from mlflow_platform_server.identity import Convention
from mlflow_platform_server.threads import Bounded
from mlflow_platform_server.volume import ConfinedFileArtifactRepository
from mlflow_platform_server.without_workspace import WithoutWorkspace

CONTACT_VARIABLE = "MLFLOW_PLATFORM_CONTACT"
# The path of the host that the platform is below; unset or empty without one.
PATH_VARIABLE = "MLFLOW_PLATFORM_PATH"
# Requests that a worker handles at once.
THREADS_VARIABLE = "MLFLOW_PLATFORM_THREADS"


def create_app() -> BelowPath:
    """Make the ASGI application of a worker process."""
    # Both stores are in one database. With an engine each, one's idle connections would stand beside the other's.
    SqlAlchemyStore._engine_map = TrackingStore._engine_map
    SqlAlchemyStore._engine_map_lock = TrackingStore._engine_map_lock
    fastapi_app.artifact_router = routes.router()
    handlers._send_artifact = downloads.handing_over(handlers._send_artifact)
    handlers._get_artifact_repository_for_uri = _in_the_store(handlers._get_artifact_repository_for_uri)
    SqlAlchemyStore.transition_model_version_stage = stages.by_number(SqlAlchemyStore.transition_model_version_stage)
    app = middleware.create_app()
    mounts = [route for route in app.routes if isinstance(route, Mount)]
    for mount in mounts:
        mount.app = downloads.Taker(mount.app)
    config = KubernetesAuthConfig.from_env()
    door = Door(
        WithoutWorkspace(app, os.environ.get(CONTACT_VARIABLE, ""), multi_tenant=config.workspaces_enabled),
        Convention(
            user_header=config.user_header.lower(),
            groups_header=config.groups_header.lower(),
            groups_separator=config.groups_separator,
            judged_by_token=config.authorization_mode == AuthorizationMode.SELF_SUBJECT_ACCESS_REVIEW,
        ),
    )
    bounded = Bounded(door, int(os.environ[THREADS_VARIABLE]), limiter=to_thread.current_default_thread_limiter)
    return BelowPath(bounded, os.environ.get(PATH_VARIABLE, ""))


def _in_the_store(repository_of: Any) -> Any:
    """MLflow's way from a stored location to its content, for locations in the platform's own store only."""

    def of(artifact_uri: str) -> Any:
        repository = repository_of(artifact_uri)
        if not isinstance(repository, (ProxiedS3ArtifactRepository, ConfinedFileArtifactRepository)):
            raise MlflowException("The server fetches artifacts from its own store only.", PERMISSION_DENIED)
        return repository

    return of
