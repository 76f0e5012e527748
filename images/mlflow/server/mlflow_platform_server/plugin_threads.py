"""Runs the authorization plugin's work in threads, because it would block the event loop.

The plugin parses bodies and GraphQL, looks up names in the database, asks Kubernetes and filters answers, all in the
event loop. Here its middleware stays in the loop and these parts run in threads. The body is read before, because only
the loop can read it; layers in front have bounded it.
"""

from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any, Protocol, TypeVar

from mlflow_platform_server.asgi import Message
from mlflow_platform_server.off_loop import finished

T = TypeVar("T")

# The request that the plugin is authorizing, as its middleware sees it.
_REQUEST: ContextVar[Any] = ContextVar("mlflow_platform_authorized_request")


class Pool(Protocol):
    """Threads, such as `off_loop.Threads`."""

    async def run(self, function: Callable[[], T]) -> T:
        """Result of a function that runs in one of the threads."""
        ...


# The threads for a request, by its ASGI scope.
Pools = Callable[[Message], Pool]


def install(middleware: ModuleType, pools: Pools) -> None:
    """Change the plugin's module `middleware` in this process, before its application is made.

    Raises:
        RuntimeError: the module has other parts than those that are replaced.
    """
    original = middleware.KubernetesAuthMiddleware
    for name in (
        "_ensure_request_json_body",
        "_apply_request_context_rewrites",
        "_apply_response_authorization_filters",
    ):
        if not hasattr(original, name):
            message = f"The authorization plugin has no {name} any more: find out what it does in the event loop now."
            raise RuntimeError(message)
    middleware._authorize_request_async = _in_thread(middleware._authorize_request_async, original, pools)
    middleware.KubernetesAuthMiddleware = _with_threads(middleware, pools)


def _in_thread(authorize: Callable[..., Any], middleware: Any, pools: Pools) -> Callable[..., Any]:
    """Wrap the plugin's decision, and what it then changes in the request, which includes encoding the body anew."""

    async def authorized(request_context: Any, **more: Any) -> Any:
        request = _REQUEST.get()

        def decide() -> Any:
            result = finished(authorize(request_context, **more))
            middleware._apply_request_context_rewrites(
                request,
                original_request_context=request_context,
                updated_request_context=result.request_context,
                username=result.username,
                override_run_user=result.rules[0].override_run_user,
            )
            return result

        return await pools(request.scope).run(decide)

    return authorized


def _with_threads(middleware: ModuleType, pools: Pools) -> type[Any]:
    """The plugin's middleware, with its work in threads."""
    original: Any = middleware.KubernetesAuthMiddleware

    class InThreads(original):
        async def dispatch(self, request: Any, call_next: Any) -> Any:
            if self._request_can_have_json_body(request):
                await request.body()
            token = _REQUEST.set(request)
            try:
                return await super().dispatch(request, call_next)
            finally:
                _REQUEST.reset(token)

        @classmethod
        async def _ensure_request_json_body(cls, request: Any) -> Any:
            try:
                return await super()._ensure_request_json_body(request)
            except (ValueError, RecursionError):
                # Too long a number, or too deep. MLflow's handlers refuse the body as malformed.
                request.scope["state"][middleware._REQUEST_BODY_LOADED_STATE_KEY] = True
                return None

        @classmethod
        def _apply_request_context_rewrites(cls, *_: Any, **__: Any) -> None:
            """Do nothing: this was done in the thread that decided."""

        async def _apply_response_authorization_filters(self, response: Any, *, auth_result: Any) -> None:
            if auth_result.rules[0].apply_workspace_filter:
                # Of the list of workspaces, with an answer that does not block (`plugin.adapt_list`).
                await super()._apply_response_authorization_filters(response, auth_result=auth_result)
                return
            if not auth_result.response_filter_required:
                return
            if "application/json" in response.headers.get("content-type", "").lower():
                # The plugin takes it from here, and need not wait for it.
                response.body = b"".join([piece async for piece in response.body_iterator])
                response.body_iterator = _once(response.body)
            filters = super()._apply_response_authorization_filters
            await pools(_REQUEST.get().scope).run(lambda: finished(filters(response, auth_result=auth_result)))

    return InThreads


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
