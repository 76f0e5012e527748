"""How many requests a worker handles at once: as many as its pools of database connections bear.

A batch of metrics holds one connection while it takes another. MLflow handles up to 40 requests at once, anyio's
default; with fewer connections than that, each may hold one while all wait for a second, for `QueuePool`'s half a
minute, and are then refused. Seen with MLflow 3.17.2, 64 clients and pools of 15 to 30 connections on a busy machine.
Artifacts stream in threads of their own.
"""

from collections.abc import Callable
from typing import Protocol

from mlflow_platform_server.bodies import Message, Receive, Send
from mlflow_platform_server.door import App


class Limiter(Protocol):
    """What bounds the threads of an event loop, as `anyio.CapacityLimiter` does."""

    total_tokens: float


class Bounded:
    """An application whose synchronous part runs in at most `threads` threads; further requests wait their turn."""

    def __init__(self, app: App, threads: int, *, limiter: Callable[[], Limiter]) -> None:
        """`limiter` gives the one of the running event loop."""
        self._app = app
        self._threads = threads
        self._limiter = limiter

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        # Not earlier: without a running loop there is none.
        limiter = self._limiter()
        if limiter.total_tokens != self._threads:
            limiter.total_tokens = self._threads
        await self._app(scope, receive, send)
