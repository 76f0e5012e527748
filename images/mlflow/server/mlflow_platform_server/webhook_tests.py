"""Tests of webhooks: a request that waits for a receiver, and holds no thread while it waits.

MLflow's handler sends the test itself, in one of the few threads that serve all requests. Here it reads the webhook and
begins the test; `WebhookTests`, an ASGI layer around MLflow, waits for the result and writes the answer.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

from mlflow_platform_server import answers, scope
from mlflow_platform_server.asgi import App, Message, Receive, Send

# Part of the route of a test in routes.toml.
ROUTE = "/webhooks/<webhook_id>/test"
# Tests of a team that a worker runs at a time.
MOST_TESTS = 2
# A delivery ends by itself in time; this is for one that had to wait for a thread.
GRACE_SECONDS = 2
RETRY_SECONDS = 5

_TESTS: ContextVar[list[Future[Any]]] = ContextVar("mlflow_platform_webhook_tests")


def deferring(begin: Callable[[Any, Any], Future[Any]], placeholder: Callable[[], Any]) -> Callable[..., Any]:
    """A replacement of MLflow's `test_webhook` that begins a test and leaves its result to `WebhookTests`."""

    def test_webhook(webhook: Any, event: Any = None) -> Any:
        _TESTS.get().append(begin(webhook, event))
        return placeholder()

    return test_webhook


class WebhookTests:
    """ASGI middleware around MLflow that answers tests of webhooks, a few at a time for each workspace."""

    def __init__(
        self,
        app: App,
        *,
        seconds: float,
        body: Callable[[Any], bytes],
        failure: Callable[[str], Any],
    ) -> None:
        """`seconds` bounds a delivery; `body` turns a result into an answer, and `failure` an error into a result."""
        self._app = app
        self._seconds = seconds
        self._body = body
        self._failure = failure
        # Running tests by workspace; only the event loop counts.
        self._running: dict[str, int] = {}

    async def __call__(self, asgi_scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if asgi_scope["type"] != "http" or not (scope.facts(asgi_scope).route or "").endswith(ROUTE):
            await self._app(asgi_scope, receive, send)
            return
        workspace = scope.workspace()
        if self._running.get(workspace, 0) >= MOST_TESTS:
            scope.facts(asgi_scope).refused_by = "limits"
            message = f"{MOST_TESTS} webhook tests of this workspace are running, and no more may. Try again."
            headers = [(b"retry-after", str(RETRY_SECONDS).encode())]
            await answers.refuse(send, 429, "REQUEST_LIMIT_EXCEEDED", message, headers)
            return
        self._running[workspace] = self._running.get(workspace, 0) + 1
        try:
            await self._serve(asgi_scope, receive, send)
        finally:
            self._running[workspace] -= 1
            if not self._running[workspace]:
                del self._running[workspace]

    async def _serve(self, asgi_scope: Message, receive: Receive, send: Send) -> None:
        tests, starts = list[Future[Any]](), list[Message]()
        _TESTS.set(tests)

        async def unless_begun(message: Message) -> None:
            if not tests:
                await send(message)
            elif message["type"] == "http.response.start":
                starts.append(message)

        await self._app(asgi_scope, receive, unless_begun)
        for test, start in zip(tests, starts, strict=False):
            content = self._body(await self._result(test))
            headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            length = (b"content-length", str(len(content)).encode())
            await send({**start, "headers": [*headers, length]})
            await send({"type": "http.response.body", "body": content})

    async def _result(self, test: Future[Any]) -> Any:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(test), self._seconds + GRACE_SECONDS)
        except TimeoutError:
            return self._failure("it waited for other deliveries for too long (server.bounds.webhookSeconds)")
        except Exception as error:  # noqa: BLE001 - as MLflow does, which puts any failure into the result
            return self._failure(str(error))
