"""Entry point of `mlflow server --app-name mlflow-platform`: MLflow behind its authorization and the request guard.

The authorization also protects the platform's artifact routes. They have the same paths as MLflow's own, because the
plugin refuses to start with a route that it has no rule for.
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

from mlflow_platform_server import artifact_routes, downloads, model_stages
from mlflow_platform_server.concurrency import ConcurrencyLimit
from mlflow_platform_server.no_team_page import NoTeamPage
from mlflow_platform_server.path_prefix import PathPrefix
from mlflow_platform_server.request_guard import RequestGuard
from mlflow_platform_server.request_identity import IdentityHeaders
from mlflow_platform_server.s3_artifacts import ProxiedS3ArtifactRepository
from mlflow_platform_server.volume_artifacts import ConfinedFileArtifactRepository

CONTACT_VARIABLE = "MLFLOW_PLATFORM_CONTACT"
# The URL path under which the platform is served; unset or empty at the root.
PATH_VARIABLE = "MLFLOW_PLATFORM_PATH"
# Requests that a worker handles at once.
THREADS_VARIABLE = "MLFLOW_PLATFORM_THREADS"


def create_app() -> PathPrefix:
    """Make the ASGI application of a worker process."""
    # Both stores are in one database. With an engine each, they would hold two pools of connections.
    SqlAlchemyStore._engine_map = TrackingStore._engine_map
    SqlAlchemyStore._engine_map_lock = TrackingStore._engine_map_lock
    fastapi_app.artifact_router = artifact_routes.router()
    handlers._send_artifact = downloads.deferring(handlers._send_artifact)
    handlers._get_artifact_repository_for_uri = _own_store_only(handlers._get_artifact_repository_for_uri)
    SqlAlchemyStore.transition_model_version_stage = model_stages.with_integer_version(
        SqlAlchemyStore.transition_model_version_stage
    )
    app = middleware.create_app()
    mounts = [route for route in app.routes if isinstance(route, Mount)]
    for mount in mounts:
        mount.app = downloads.ArtifactSender(mount.app)
    config = KubernetesAuthConfig.from_env()
    guard = RequestGuard(
        NoTeamPage(app, os.environ.get(CONTACT_VARIABLE, ""), multi_tenant=config.workspaces_enabled),
        IdentityHeaders(
            user_header=config.user_header.lower(),
            groups_header=config.groups_header.lower(),
            groups_separator=config.groups_separator,
            authorizes_by_token=config.authorization_mode == AuthorizationMode.SELF_SUBJECT_ACCESS_REVIEW,
        ),
    )
    limited = ConcurrencyLimit(
        guard, int(os.environ[THREADS_VARIABLE]), limiter=to_thread.current_default_thread_limiter
    )
    return PathPrefix(limited, os.environ.get(PATH_VARIABLE, ""))


def _own_store_only(repository_of: Any) -> Any:
    """Wrap MLflow's lookup of an artifact location so that it refuses locations outside the platform's own store."""

    def of(artifact_uri: str) -> Any:
        repository = repository_of(artifact_uri)
        if not isinstance(repository, (ProxiedS3ArtifactRepository, ConfinedFileArtifactRepository)):
            raise MlflowException("The server fetches artifacts from its own store only.", PERMISSION_DENIED)
        return repository

    return of
