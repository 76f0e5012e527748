"""Limit on the threads of a worker, matched to its database connection pools.

Logging a batch of metrics holds one connection while it takes another. MLflow handles up to 40 requests at once
(anyio's default). With fewer connections than that, all requests may hold one and wait for another one, until
`QueuePool` gives up after 30 seconds. Seen with MLflow 3.17.2, 64 clients and pools of 15 to 30 connections on a busy
machine. Requests wait for a slot in `slots.py`; this limit applies to requests that need no slot.

Uploads and downloads of artifacts are not subject to this limit: they run in threads of their own (`store_calls.py`).
Only downloads from a volume, as in an evaluation, use the limited threads, to read one piece at a time.
"""

from collections.abc import Callable
from typing import Protocol

from mlflow_platform_server.asgi import App, Message, Receive, Send


class Limiter(Protocol):
    """Limit on the threads of an event loop, such as `anyio.CapacityLimiter`."""

    total_tokens: float


class ConcurrencyLimit:
    """ASGI middleware that lets at most `threads` of anyio's threads handle requests."""

    def __init__(self, app: App, threads: int, *, limiter: Callable[[], Limiter]) -> None:
        """`limiter` returns the limiter of the running event loop."""
        self._app = app
        self._threads = threads
        self._limiter = limiter

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        # Set here and not in the constructor, because the limiter belongs to the running event loop.
        limiter = self._limiter()
        if limiter.total_tokens != self._threads:
            limiter.total_tokens = self._threads
        await self._app(scope, receive, send)
