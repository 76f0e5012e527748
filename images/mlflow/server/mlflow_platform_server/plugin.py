"""Access to the authorization plugin: reads its decision, and changes how it reads names and asks Kubernetes.

With the changes, the plugin decodes names of users and groups as UTF-8, and sends its access reviews through
`reviews.py`; it still chooses the questions and decides by the answers. Its list of paths that need no identity is
compared with `open_paths.py`. `plugin_threads.py` moves its blocking parts out of the event loop.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2
from mlflow_kubernetes_plugins.auth import authorizer, constants, core, middleware
from mlflow_kubernetes_plugins.auth.authorizer import KubernetesAuthorizer
from mlflow_kubernetes_plugins.workspace_plugin import provider

from mlflow_platform_server import open_paths
from mlflow_platform_server.reviews import Question, ReviewFailedError, Reviews, TokenRefusedError
from mlflow_platform_server.scope import Caller
from mlflow_platform_server.visible_workspaces import VisibleWorkspaces

# Entries of the plugin's state that hold a request's body, as text and as a document.
KEPT_BODIES = (middleware._REQUEST_RAW_BODY_STATE_KEY, middleware._REQUEST_JSON_BODY_STATE_KEY)


def decision() -> Any:
    """The plugin's result for the running request; None if it has not decided."""
    return core._AUTHORIZATION_HANDLED.get()


def check_open_paths() -> None:
    """Fail if the plugin's paths that need no identity differ from those in `open_paths`."""
    theirs = {*constants.UNPROTECTED_PATHS, *constants.UNPROTECTED_PATH_PREFIXES}
    ours = {*open_paths.PATHS, *open_paths.PREFIXES}
    if theirs != ours:
        message = f"Review open_paths.py: the plugin's list differs in {sorted(theirs ^ ours)}."
        raise RuntimeError(message)


def adapt_identities() -> None:
    """Let the plugin read names in UTF-8; once in this process, before its middleware is made."""
    middleware.build_fastapi_authorization_request = _in_utf8(middleware.build_fastapi_authorization_request)


def adapt_reviews(reviews: Reviews) -> None:
    """Let the plugin send its questions through `reviews`, which remembers the answers in place of the plugin."""
    authorizer._AuthorizationCache = NoCache
    authorizer._load_kubernetes_configuration = lambda: None
    authorizer._create_api_client_for_subject_access_reviews = NoClient

    def about_name(_: Any, user: str, groups: tuple[str, ...], *attributes: Any) -> bool:
        return _answer(reviews, Caller(user=user, groups=groups), _question(*attributes))

    def with_token(_: Any, token: str, *attributes: Any) -> bool:
        return _answer(reviews, Caller(user="", token=token), _question(*attributes))

    KubernetesAuthorizer._submit_subject_access_review = about_name
    KubernetesAuthorizer._submit_self_subject_access_review = with_token
    filters = middleware.KubernetesAuthMiddleware._apply_response_authorization_filters
    middleware.KubernetesAuthMiddleware._apply_response_authorization_filters = _with_errors(filters)


def namespaces_config() -> tuple[str | None, Sequence[str]]:
    """Label selector of the namespaces that are workspaces, and patterns of the names of those that never are."""
    config = provider.KubernetesWorkspaceProviderConfig.from_sources()
    return config.label_selector, config.namespace_exclude_globs


def adapt_list(visible: VisibleWorkspaces) -> None:
    """Let the plugin take a caller's workspaces from `visible`, instead of reviewing each workspace that exists."""

    async def only_visible(_: Any, response: Any, *, auth_result: Any) -> None:
        payload, _ = await middleware.KubernetesAuthMiddleware._read_json_response_payload(response)
        identity = auth_result.identity
        try:
            names = await visible.of(Caller(user=identity.user or "", groups=identity.groups, token=identity.token))
        except (ReviewFailedError, TokenRefusedError) as error:
            raise _for_client(error) from error
        listed = payload.get("workspaces") if isinstance(payload, dict) else None
        kept = [one for one in listed or () if isinstance(one, dict) and one.get("name") in names]
        # MLflow leaves an empty list out; its pages and the plugin's clients expect one.
        if payload is not None and kept != listed:
            middleware.KubernetesAuthMiddleware._replace_json_response_payload(
                response, {**payload, "workspaces": kept}
            )

    middleware.KubernetesAuthMiddleware._filter_workspace_list_response = only_visible


class NoCache:
    """Takes the place of the plugin's cache of decisions, and has none."""

    def __init__(self, ttl_seconds: float) -> None:
        """Keep nothing."""

    def get(self, key: object) -> None:
        """Return None."""

    def set(self, key: object, allowed: bool) -> None:  # noqa: FBT001 - the plugin's signature
        """Do nothing."""


class NoClient:
    """Takes the place of the plugin's connection to Kubernetes."""

    def close(self) -> None:
        """Do nothing."""


def visible_to(visible: VisibleWorkspaces, caller: Caller) -> set[str]:
    """Names of the workspaces that a caller may see; to be called in a thread.

    Raises:
        MlflowException: that is unknown now, or Kubernetes does not accept the caller's token.
    """
    try:
        return asyncio.run(visible.of(caller))
    except (ReviewFailedError, TokenRefusedError) as error:
        raise _for_client(error) from error


def unavailable() -> MlflowException:
    """Error for requests that cannot be decided now."""
    return MlflowException("Access could not be checked. Try again.", databricks_pb2.TEMPORARILY_UNAVAILABLE)


def _question(resource: str, verb: str, namespace: str, subresource: str | None, name: str | None) -> Question:
    return Question(resource=resource, verb=verb, namespace=namespace, subresource=subresource, name=name)


def _answer(reviews: Reviews, caller: Caller, question: Question) -> bool:
    try:
        return reviews.allows_blocking(caller, question)
    except (ReviewFailedError, TokenRefusedError) as error:
        raise _for_client(error) from error


def _for_client(error: Exception) -> MlflowException:
    if isinstance(error, TokenRefusedError):
        message = "Kubernetes does not accept the token. Sign in again."
        return MlflowException(message, databricks_pb2.UNAUTHENTICATED)
    return unavailable()


def _with_errors(apply: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the plugin's filters of answers: an error replaces the answer, instead of ending in a status of 500."""

    async def applied(self: Any, response: Any, **more: Any) -> None:
        try:
            await apply(self, response, **more)
        except MlflowException as error:
            response.status_code = error.get_http_status_code()
            self._replace_json_response_payload(response, json.loads(error.serialize_as_json()))
            response.headers["content-type"] = "application/json"

    return applied


def _in_utf8(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the plugin's reading of requests, which decodes headers as Latin-1: user and groups become UTF-8."""

    def built(*args: Any, **more: Any) -> Any:
        request = build(*args, **more)
        return replace(
            request,
            remote_user_header_value=_utf8(request.remote_user_header_value),
            remote_groups_header_value=_utf8(request.remote_groups_header_value),
        )

    return built


def _utf8(value: str | None) -> str | None:
    return None if value is None else value.encode("latin-1").decode("utf-8")
