"""Answers that arrive: before an error is sent, the rest of the request's body is read and thrown away.

A client that is still sending when the connection is closed may never see the answer. Go's reverse proxy, which
OAuth2-Proxy is, then answers 502 instead. The amount and the time are bounded; whoever sends more than that loses the
connection.
"""

import asyncio
from contextlib import suppress

from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.body_rules import has_body

ERROR = 400
# Longest time in seconds for a request that shall give its connection back soon.
BRIEF_SECONDS = 1
# Entry of the message that begins such an answer.
_BRIEF = "mlflow_platform.brief"


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
            brief = message.pop(_BRIEF, False)
            if message["type"] == "http.response.start" and message["status"] >= ERROR and unread:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(self._seconds, BRIEF_SECONDS) if brief else self._seconds):
                        await drain()
            await send(message)

        await self._app(scope, read, answer)


def briefly(send: Send) -> Send:
    """Return a `send` for the refusal of somebody who has too many connections already."""

    async def sent(message: Message) -> None:
        await send({**message, _BRIEF: True} if message["type"] == "http.response.start" else message)

    return sent


def _waits(scope: Message) -> bool:
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])
