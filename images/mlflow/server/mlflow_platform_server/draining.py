"""Draining: before an error is sent, the rest of the request's body is read and discarded, so that the error arrives.

A client that is still sending when the connection is closed may never see the answer. Go's reverse proxy, which
OAuth2-Proxy is, then answers 502 instead. The amount and the time are bounded; a client that sends more loses the
connection. Only a request that counts as in flight (`entry.py`) has the whole time. Requests that are refused earlier
have less, because nothing else bounds their number.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.body_rules import has_body

ERROR = 400
# Longest time in seconds for a request that shall give its connection back soon.
BRIEF_SECONDS = 1
# Entry of an ASGI scope: whether the request counts as in flight.
_STANDING = "mlflow_platform.standing"


@dataclass(slots=True)
class _Standing:
    """Note about a request that all copies of its scope share."""

    counted: bool = False


class Draining:
    """ASGI middleware that reads the rest of a request's body before it sends an error response."""

    def __init__(self, app: App, *, most_bytes: int, seconds: float) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._seconds = seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A client that waits for 100 Continue sends nothing before it has the answer; to read would ask it to.
        unread = has_body(scope["headers"]) and not _waits(scope)
        standing = scope[_STANDING] = _Standing()

        async def read() -> Message:
            nonlocal unread
            message = await receive()
            if _waits(scope) and has_body(scope["headers"]):
                unread = True
            if message["type"] != "http.request" or not message.get("more_body", False):
                unread = False
            return message

        async def drain() -> None:
            left = self._most_bytes
            while unread and left > 0:
                left -= len((await read()).get("body", b""))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= ERROR and unread:
                with suppress(TimeoutError):
                    async with asyncio.timeout(
                        self._seconds if standing.counted else min(self._seconds, BRIEF_SECONDS)
                    ):
                        await drain()
            await send(message)

        await self._app(scope, read, answer)


def stands(scope: Message, *, counted: bool) -> None:
    """Note whether a request counts as in flight, so that the rest of its body may take the whole time."""
    standing: _Standing | None = scope.get(_STANDING)
    if standing is not None:
        standing.counted = counted


def _waits(scope: Message) -> bool:
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])
