"""Entry point of `mlflow server --app-name mlflow-platform`: MLflow behind its authorization and the request guard.

The authorization also protects the platform's artifact routes. They have the same paths as MLflow's own, because the
plugin refuses to start with a route that it has no rule for.
"""

import os
from typing import Any

from anyio import to_thread
from graphql import GraphQLError
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.server import ARTIFACTS_DESTINATION_ENV_VAR, fastapi_app, handlers
from mlflow.store.artifact.artifact_repository_registry import get_registered_artifact_repositories
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore
from mlflow.utils import workspace_context, workspace_utils
from mlflow_kubernetes_plugins.auth import middleware
from mlflow_kubernetes_plugins.auth.authorizer import AuthorizationMode, KubernetesAuthConfig
from starlette.middleware import Middleware
from starlette.routing import Mount

from mlflow_platform_server import (
    artifact_reach,
    artifact_routes,
    bounds,
    collection_rules,
    database_scope,
    downloads,
    driver_errors,
    graphql_errors,
    identity_lists,
    known_identities,
    kubernetes_reviews,
    model_stages,
    own_repositories,
    plugin,
    process_state,
    request_identity,
    routes,
    s3_artifacts,
    scope,
    transfers,
    webhooks,
)
from mlflow_platform_server.admission import Admission
from mlflow_platform_server.agreement import Agreement
from mlflow_platform_server.audit import AuditLog
from mlflow_platform_server.concurrency import ConcurrencyLimit
from mlflow_platform_server.errors import ErrorBodies
from mlflow_platform_server.no_team_page import NoTeamPage
from mlflow_platform_server.path_prefix import PathPrefix
from mlflow_platform_server.request_guard import RequestGuard
from mlflow_platform_server.request_identity import IdentityHeaders
from mlflow_platform_server.reviews import AccessReviews, Decisions
from mlflow_platform_server.s3_artifacts import ProxiedS3ArtifactRepository
from mlflow_platform_server.volume_artifacts import ConfinedFileArtifactRepository

CONTACT_VARIABLE = "MLFLOW_PLATFORM_CONTACT"
# The URL path under which the platform is served; unset or empty at the root.
PATH_VARIABLE = "MLFLOW_PLATFORM_PATH"
# Label selector of the lists of identities that count; unset if callers are judged by their tokens.
IDENTITIES_VARIABLE = "MLFLOW_PLATFORM_IDENTITIES"
# Comma-separated lists: features that are on (routes.toml), and hosts that webhooks are sent to.
FEATURES_VARIABLE = "MLFLOW_PLATFORM_FEATURES"
WEBHOOK_HOSTS_VARIABLE = "MLFLOW_PLATFORM_WEBHOOK_HOSTS"
# UID of the server's pod.
POD_VARIABLE = "MLFLOW_PLATFORM_POD"
# Requests that a worker handles at once.
THREADS_VARIABLE = "MLFLOW_PLATFORM_THREADS"


def create_app() -> PathPrefix:
    """Make the ASGI application of a worker process."""
    process_state.bind(workspace_context, workspace_utils)
    process_state.guard()
    driver_errors.install()
    plugin.adapt_identities()
    config = KubernetesAuthConfig.from_env()
    database_scope.install()
    by_token = config.authorization_mode == AuthorizationMode.SELF_SUBJECT_ACCESS_REVIEW
    if not by_token:
        identity_lists.follow(os.environ[IDENTITIES_VARIABLE])
    with scope.background("start of the server", None if config.workspaces_enabled else scope.DEFAULT_WORKSPACE):
        # Both stores are in one database. With an engine each, they would hold two pools of connections.
        SqlAlchemyStore._engine_map = TrackingStore._engine_map
        SqlAlchemyStore._engine_map_lock = TrackingStore._engine_map_lock
        # Made now, because MLflow notes their addresses in the environment when it makes them.
        handlers._get_tracking_store()
        handlers._get_model_registry_store()
        return _layers(config, by_token=by_token)


def _layers(config: KubernetesAuthConfig, *, by_token: bool) -> PathPrefix:
    """Put the layers around MLflow, from the inside to the outside."""
    identity_headers = IdentityHeaders(
        user_header=config.user_header.lower(),
        groups_header=config.groups_header.lower(),
        groups_separator=config.groups_separator,
        authorizes_by_token=by_token,
    )
    only_namespace = None if config.workspaces_enabled else config.namespace
    features = routes.chosen(os.environ.get(FEATURES_VARIABLE, ""))
    hosts = routes.chosen(os.environ.get(WEBHOOK_HOSTS_VARIABLE, ""))
    webhooks.install(hosts, enabled="webhooks" in features, multi_tenant=config.workspaces_enabled)
    own_repositories.keep(
        get_registered_artifact_repositories(),
        (ProxiedS3ArtifactRepository, ConfinedFileArtifactRepository),
        _not_own,
    )
    transfers.install(bounds.read(os.environ[bounds.VARIABLE]))
    s3_artifacts.bound_calls()
    artifact_reach.confine(os.environ[ARTIFACTS_DESTINATION_ENV_VAR], multi_tenant=config.workspaces_enabled)
    admission = Admission(
        _mlflow(only_namespace),
        AccessReviews(kubernetes_reviews.asker(by_token=by_token), Decisions(config.cache_ttl_seconds)),
        only_namespace=only_namespace,
    )
    # Outside of the admission: its own query about the caller has to be admitted like any other.
    page = NoTeamPage(admission, os.environ.get(CONTACT_VARIABLE, ""), multi_tenant=config.workspaces_enabled)
    limited = ConcurrencyLimit(
        RequestGuard(page, identity_headers),
        int(os.environ[THREADS_VARIABLE]),
        limiter=to_thread.current_default_thread_limiter,
    )
    served = routes.Routes(limited, routes.read(routes.FILE.read_text(encoding="utf-8")), features)

    def caller(headers: request_identity.Headers) -> scope.Caller | None:
        return request_identity.identify(headers, identity_headers, known_identities.known()).caller

    audited = AuditLog(ErrorBodies(served), pod=os.environ[POD_VARIABLE], identify=caller)
    return PathPrefix(audited, os.environ.get(PATH_VARIABLE, ""))


def _mlflow(only_namespace: str | None) -> Any:
    """Make MLflow's application with its authorization plugin, and change parts of both."""
    collection_rules.refuse_instead_of_filtering()
    fastapi_app.artifact_router = artifact_routes.router()
    handlers._send_artifact = downloads.deferring(handlers._send_artifact)
    SqlAlchemyStore.transition_model_version_stage = model_stages.with_integer_version(
        SqlAlchemyStore.transition_model_version_stage
    )
    plugin.check_open_paths()
    app = middleware.create_app()
    handlers._get_graphql_auth_middleware = _with_error_texts(handlers._get_graphql_auth_middleware)
    # The last one in the list is the innermost, behind the plugin's.
    app.user_middleware.append(Middleware(Agreement, decision=plugin.decision, only_namespace=only_namespace))
    mounts = [route for route in app.routes if isinstance(route, Mount)]
    for mount in mounts:
        mount.app = downloads.ArtifactSender(mount.app)
    return app


def _with_error_texts(authorization: Any) -> Any:
    """Wrap the function that returns the plugin's middleware for GraphQL's resolvers: add ours as the outermost one."""
    return lambda: [*authorization(), graphql_errors.ErrorTexts(MlflowException, GraphQLError)]


def _not_own(scheme: str) -> MlflowException:
    """Refusal of an artifact location with a scheme that the platform has no repository for."""
    return MlflowException(
        f"The server fetches artifacts from its own store only, not by {scheme or 'a path'}.", PERMISSION_DENIED
    )
