"""Entry point of `mlflow server --app-name mlflow-platform`: MLflow behind its authorization and the request guard.

The authorization also protects the platform's artifact routes. They have the same paths as MLflow's own, because the
plugin refuses to start with a route that it has no rule for.
"""

import gc
import os
import sys
from typing import Any

import sqlparse
from anyio import to_thread
from anyio._backends._asyncio import WorkerThread
from graphql import GraphQLError
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, PERMISSION_DENIED
from mlflow.server import ARTIFACTS_DESTINATION_ENV_VAR, fastapi_app, handlers, workspace_helpers
from mlflow.store.artifact.artifact_repository_registry import get_registered_artifact_repositories
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore
from mlflow.utils import workspace_context, workspace_utils
from mlflow_kubernetes_plugins.auth import constants, middleware
from mlflow_kubernetes_plugins.auth.authorizer import AuthorizationMode, KubernetesAuthConfig
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.middleware import Middleware, base
from starlette.middleware.wsgi import build_environ
from starlette.routing import Mount

from mlflow_platform_server import (
    artifact_reach,
    artifact_routes,
    assessment_ids,
    bounds,
    collection_rules,
    database_scope,
    downloads,
    driver_errors,
    filters,
    graphql_errors,
    imported_files,
    known_identities,
    kubernetes_access,
    model_stages,
    own_repositories,
    plugin,
    plugin_threads,
    process_state,
    protobuf_bounds,
    read_bodies,
    request_identity,
    routes,
    s3_artifacts,
    scope,
    trace_routes,
    transfers,
    webhooks,
)
from mlflow_platform_server.admission import Admission
from mlflow_platform_server.agreement import Agreement
from mlflow_platform_server.audit import AuditLog
from mlflow_platform_server.bodies import Bodies
from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.concurrency import ConcurrencyLimit
from mlflow_platform_server.delivery import Delivery
from mlflow_platform_server.draining import Draining
from mlflow_platform_server.entry import Entry
from mlflow_platform_server.errors import ErrorBodies
from mlflow_platform_server.fairness import Fairness, is_transfer
from mlflow_platform_server.kubernetes_access import KubernetesAccess
from mlflow_platform_server.loop_watch import LoopWatch
from mlflow_platform_server.no_team_page import NoTeamPage
from mlflow_platform_server.off_loop import Threads
from mlflow_platform_server.path_prefix import PathPrefix
from mlflow_platform_server.platform_page import PlatformPage
from mlflow_platform_server.rates import Rates
from mlflow_platform_server.request_guard import RequestGuard
from mlflow_platform_server.request_identity import IdentityHeaders
from mlflow_platform_server.s3_artifacts import ProxiedS3ArtifactRepository
from mlflow_platform_server.slots import SPARE_THREADS, Slots
from mlflow_platform_server.volume_artifacts import ConfinedFileArtifactRepository
from mlflow_platform_server.webhook_tests import WebhookTests
from mlflow_platform_server.wsgi import Bridge

CONTACT_VARIABLE = "MLFLOW_PLATFORM_CONTACT"
# The URL path under which the platform is served; unset or empty at the root.
PATH_VARIABLE = "MLFLOW_PLATFORM_PATH"
# Label selector of the lists of identities that count; unset if callers are judged by their tokens.
IDENTITIES_VARIABLE = "MLFLOW_PLATFORM_IDENTITIES"
# Comma-separated lists: features that are on (routes.toml), and hosts that webhooks are sent to.
FEATURES_VARIABLE = "MLFLOW_PLATFORM_FEATURES"
WEBHOOK_HOSTS_VARIABLE = "MLFLOW_PLATFORM_WEBHOOK_HOSTS"
# Host and port of the proxy that webhooks are sent through; unset while they are off.
WEBHOOK_PROXY_VARIABLE = "MLFLOW_PLATFORM_WEBHOOK_PROXY"
# MLflow's own switch of its AI gateway; on if unset.
GATEWAY_VARIABLE = "MLFLOW_ENABLE_AI_GATEWAY"
# UID of the server's pod.
POD_VARIABLE = "MLFLOW_PLATFORM_POD"
# Requests that a worker handles at once.
THREADS_VARIABLE = "MLFLOW_PLATFORM_THREADS"
# Workers of a replica, which share its connections; one if unset.
WORKERS_VARIABLE = "MLFLOW_PLATFORM_WORKERS"
# Seconds after which a thread that computes has to let another one run. With Python's default of 5 ms the event loop
# waits for up to 0.29 s if 14 threads compute at once, with this for up to 0.09 s.
SWITCH_SECONDS = 0.001
# Digits of the longest integer that is parsed, the least that Python allows. The time for one grows with the square of
# its digits: with the default of 4,300, a body of 16 MiB blocks all threads for 0.32 s, with this for 0.08 s.
INTEGER_DIGITS = 640


def create_app() -> Delivery:
    """Make the ASGI application of a worker process."""
    sys.setswitchinterval(SWITCH_SECONDS)
    sys.set_int_max_str_digits(INTEGER_DIGITS)
    # Threads of handlers stay once they are started: anyio's default of 10 s without work makes the event loop start
    # them again and again, and wait for each.
    WorkerThread.MAX_IDLE_TIME = sys.maxsize
    process_state.bind(workspace_context, workspace_utils)
    process_state.guard()
    limits = bounds.read(os.environ[bounds.VARIABLE])
    driver_errors.install(limits.statement_seconds)
    plugin.adapt_identities()
    config = KubernetesAuthConfig.from_env()
    database_scope.install(limits.statement_seconds)
    by_token = config.authorization_mode == AuthorizationMode.SELF_SUBJECT_ACCESS_REVIEW
    access = _access(config, limits, by_token=by_token)
    with scope.background("start of the server", None if config.workspaces_enabled else scope.DEFAULT_WORKSPACE):
        # Both stores are in one database. With an engine each, they would hold two pools of connections.
        SqlAlchemyStore._engine_map = TrackingStore._engine_map
        SqlAlchemyStore._engine_map_lock = TrackingStore._engine_map_lock
        # Made now, because MLflow notes their addresses in the environment when it makes them.
        stores = handlers._get_tracking_store(), handlers._get_model_registry_store()
        filters.install(sqlparse, map(type, stores), _search_bounds(limits))
        if config.workspaces_enabled:
            store = workspace_helpers._get_workspace_store()
            store.namespaces, store.visible = access.namespaces, access.visible
        layers = _layers(config, limits, access, by_token=by_token)
    # What has been imported stays: 395,000 objects, which a full garbage collection would visit in 0.3 s, while all
    # threads stand still.
    gc.collect()
    gc.freeze()
    access.wait(workspaces=config.workspaces_enabled)
    return layers


def _access(config: KubernetesAuthConfig, limits: Bounds, *, by_token: bool) -> KubernetesAccess:
    """Connect to Kubernetes, for the authorization of MLflow's routes and of the platform's own."""
    access = KubernetesAccess(
        kubernetes_access.connected(),
        by_token=by_token,
        cache_seconds=config.cache_ttl_seconds,
        review_seconds=limits.review_seconds,
        outage_seconds=limits.outage_seconds,
        resources=constants.WORKSPACE_PERMISSION_RESOURCE_PRIORITY,
        unavailable=plugin.unavailable,
        shared=kubernetes_access.shared_answers(),
    )
    plugin.adapt_reviews(access.reviews)
    plugin.adapt_list(access.visible)
    access.start(
        identities=None if by_token else os.environ[IDENTITIES_VARIABLE],
        namespaces=plugin.namespaces_config() if config.workspaces_enabled else None,
    )
    return access


def _layers(config: KubernetesAuthConfig, limits: Bounds, access: KubernetesAccess, *, by_token: bool) -> Delivery:
    """Put the layers around MLflow, from the inside to the outside."""
    identity_headers = IdentityHeaders(
        user_header=config.user_header.lower(),
        groups_header=config.groups_header.lower(),
        groups_separator=config.groups_separator,
        authorizes_by_token=by_token,
    )
    only_namespace = None if config.workspaces_enabled else config.namespace
    features = routes.chosen(os.environ.get(FEATURES_VARIABLE, ""))
    _set_up(config, limits, features)
    threads = int(os.environ[THREADS_VARIABLE])
    fairness = Fairness(limits, threads, workers=int(os.environ.get(WORKERS_VARIABLE, "1")))
    off_loop = Threads(threads, "authorization")
    work = Slots(_mlflow(only_namespace, limits, off_loop), fairness)
    schema = protobuf_bounds.schema(ExportTraceServiceRequest.DESCRIPTOR)
    bodies = Bodies(work, limits, schema, Threads(SPARE_THREADS, "bodies"))
    admission = Admission(
        Rates(bodies, fairness),
        access.judge,
        only_namespace=only_namespace,
        ready=access.identities_known,
    )

    async def has_access(caller: scope.Caller) -> bool:
        # Before it is known whose names count, everybody would be a stranger.
        if only_namespace is None:
            return not access.identities_known() or await access.has_workspace(caller)
        return not access.identities_known() or await access.judge.allows(caller, only_namespace)

    path = os.environ.get(PATH_VARIABLE, "")
    pages = PlatformPage(admission, features, path)
    page = NoTeamPage(pages, has_access, os.environ.get(CONTACT_VARIABLE, ""), path)
    limited = ConcurrencyLimit(
        RequestGuard(Entry(page, fairness), identity_headers),
        threads + SPARE_THREADS,
        limiter=to_thread.current_default_thread_limiter,
    )
    served = routes.Routes(limited, routes.read(routes.FILE.read_text(encoding="utf-8")), features)

    def caller(headers: request_identity.Headers) -> scope.Caller | None:
        return request_identity.identify(headers, identity_headers, known_identities.known()).caller

    audited = AuditLog(LoopWatch(ErrorBodies(served)), pod=os.environ[POD_VARIABLE], identify=caller)
    prefixed = PathPrefix(audited, path)
    # Outermost: a refusal of any layer arrives, and every answer is bounded.
    drained = Draining(prefixed, most_bytes=limits.drain_mebibytes * 1024 * 1024, seconds=limits.drain_seconds)
    return Delivery(drained, seconds=limits.idle_seconds, memory=transfers.of_worker().memory)


def _set_up(config: KubernetesAuthConfig, limits: Bounds, features: frozenset[str]) -> None:
    """Change what MLflow's webhooks, AI gateway and artifact repositories do in this process."""
    if "webhooks" in features:
        proxy = os.environ[WEBHOOK_PROXY_VARIABLE]
        hosts = routes.chosen(os.environ.get(WEBHOOK_HOSTS_VARIABLE, ""))
        webhooks.install(hosts, proxy=proxy, seconds=limits.webhook_seconds, multi_tenant=config.workspaces_enabled)
    else:
        webhooks.switch_off()
    if "gateway" not in features:
        # MLflow's pages ask whether it is on, and show nothing of it then.
        os.environ[GATEWAY_VARIABLE] = "false"
    own_repositories.keep(
        get_registered_artifact_repositories(),
        (ProxiedS3ArtifactRepository, ConfinedFileArtifactRepository),
        _denied,
    )
    transfers.install(limits)
    s3_artifacts.bound_calls()
    artifact_reach.confine(os.environ[ARTIFACTS_DESTINATION_ENV_VAR], multi_tenant=config.workspaces_enabled)


def _mlflow(only_namespace: str | None, limits: Bounds, threads: Threads) -> Any:
    """Make MLflow's application with its authorization plugin, and change parts of both."""
    collection_rules.refuse_instead_of_filtering()
    fastapi_app.artifact_router = artifact_routes.router()
    fastapi_app.otel_router = trace_routes.router()
    TrackingStore.log_spans_async = trace_routes.log_spans_in_this_thread
    imported_files.install(handlers, _denied, multi_tenant=only_namespace is None)
    handlers._send_artifact = downloads.deferring(handlers._send_artifact)
    SqlAlchemyStore.transition_model_version_stage = model_stages.with_integer_version(
        SqlAlchemyStore.transition_model_version_stage
    )
    TrackingStore.create_assessment = assessment_ids.made_here(TrackingStore.create_assessment)
    plugin.check_open_paths()
    # A request with a slot is either being authorized or being handled, so it never waits for one of these threads.
    # Those without a slot have others.
    slotless = transfers.Authorizations()
    plugin_threads.install(middleware, lambda scope: slotless if is_transfer(scope) else threads)
    app = middleware.create_app()
    handlers._get_graphql_auth_middleware = _with_error_texts(handlers._get_graphql_auth_middleware)
    # The last one in the list is the innermost, behind the plugin's.
    app.user_middleware.append(Middleware(Agreement, decision=plugin.decision, only_namespace=only_namespace))
    read_bodies.replay_once(base._CachedRequest)
    app.user_middleware.append(Middleware(read_bodies.ReadBodies, decision=plugin.decision, kept=plugin.KEPT_BODIES))
    app.user_middleware.append(
        Middleware(
            WebhookTests,
            seconds=limits.webhook_seconds,
            body=webhooks.test_body,
            failure=webhooks.failed_test,
        )
    )
    mounts = [route for route in app.routes if isinstance(route, Mount)]
    for mount in mounts:
        mount.app = downloads.ArtifactSender(Bridge(mount.app.app, build_environ, to_thread.run_sync))
    return app


def _with_error_texts(authorization: Any) -> Any:
    """Wrap the function that returns the plugin's middleware for GraphQL's resolvers: add ours as the outermost one."""
    return lambda: [*authorization(), graphql_errors.ErrorTexts(MlflowException, GraphQLError)]


def _search_bounds(limits: Bounds) -> filters.SearchBounds:
    return filters.SearchBounds(
        characters=limits.filter_characters,
        clauses=limits.filter_clauses,
        sort_keys=limits.sort_keys,
        refusal=lambda message: MlflowException(message, INVALID_PARAMETER_VALUE),
    )


def _denied(message: str) -> MlflowException:
    """Refusal of an artifact location."""
    return MlflowException(message, PERMISSION_DENIED)
