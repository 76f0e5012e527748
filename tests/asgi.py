"""Requests to ASGI layers of the server, and an application behind them that records what it is given."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mlflow_platform_server import bounds
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.scope import KEY, RequestFacts

from settings.schema.bounds import Bounds as Section


def limits(**changes: int) -> Bounds:
    """The default bounds, some of them changed."""
    return bounds.read(json.dumps({**Section().model_dump(), **changes}))


@dataclass(slots=True)
class Server:
    """An application that reads the body and answers 200."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    pieces: list[bytes] = field(default_factory=list[bytes])
    gone: bool = False
    finish: asyncio.Event | None = None
    """The answer waits for it."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Read the request and answer it."""
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        more = True
        while more and not self.gone:
            message = await receive()
            self.gone = message["type"] == "http.disconnect"
            self.pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        if self.finish is not None:
            await self.finish.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"seen"})


@dataclass(slots=True)
class Client:
    """The sender of one request's body: its pieces, then silence or the end of the connection."""

    pieces: Sequence[bytes] = (b"",)
    ends: bool = True
    """False: more of the body is announced than is sent."""
    stays: bool = True
    """False: the client disconnects after the last piece; True: it keeps silent."""
    pause: float = 0
    """Seconds before each piece."""
    sent: int = 0
    messages: list[Message] = field(default_factory=list[Message])
    """The answer."""

    async def receive(self) -> Message:
        """The next message of the web server."""
        if self.sent < len(self.pieces):
            await asyncio.sleep(self.pause)
            self.sent += 1
            more = self.sent < len(self.pieces) or not self.ends
            return {"type": "http.request", "body": self.pieces[self.sent - 1], "more_body": more}
        if self.stays:
            await asyncio.get_running_loop().create_future()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a part of the answer."""
        self.messages.append(dict(message))

    @property
    def status(self) -> int:
        """Status of the answer."""
        return self.messages[0]["status"]

    @property
    def said(self) -> str:
        """The message of an error."""
        return json.loads(self.messages[1]["body"])["message"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        """Headers of the answer."""
        return dict(self.messages[0]["headers"])


async def request(
    app: App, client: Client, route: str, *, headers: dict[str, str] | None = None, facts: RequestFacts | None = None
) -> Client:
    """Send one request; returns the client, which has the answer."""
    method, path = route.split(" ")
    found = facts or RequestFacts(id="1")
    found.route = found.route or route
    pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": pairs, "query_string": b""}
    await app({**scope, KEY: found}, client.receive, client.send)
    return client
