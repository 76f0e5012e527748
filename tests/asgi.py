"""Requests to ASGI layers of the server, and an application behind them that records what it is given."""

import asyncio
import json
import math
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
    """Event that the answer waits for."""

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
    """False if the client announces more of the body than it sends."""
    stays: bool = True
    """True if the client keeps the connection open and silent after the last piece, False if it disconnects."""
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
        """The message of an error in the answer."""
        return json.loads(self.messages[1]["body"])["message"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        """Headers of the answer."""
        return dict(self.messages[0]["headers"])


@dataclass(slots=True)
class Reader:
    """A receiver of an answer: takes `takes` messages, those of the body after `pause` seconds, and then nothing.

    The object is also the receiver's connection.
    """

    takes: float = math.inf
    pause: float = 0
    messages: list[Message] = field(default_factory=list[Message])
    """Parts of the answer that the receiver has taken."""
    offered: int = 0
    """Size of the largest message in bytes."""
    limit: int | None = None
    """Bytes that the web server buffers before it pauses the application."""
    options: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    """Options of the socket."""
    aborted: float | None = None
    """Time at which the connection was cut."""
    cut: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    async def send(self, message: Message) -> None:
        """Take a part of the answer."""
        self.offered = max(self.offered, len(message.get("body", b"")))
        if len(self.messages) >= self.takes:
            await self.cut.wait()
        if self.cut.is_set():
            return
        if message["type"] == "http.response.body":
            await asyncio.sleep(self.pause)
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        """The part of the body that the receiver has taken."""
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def complete(self) -> bool:
        """True if the receiver has the whole answer."""
        last = self.messages[-1] if self.messages else {"type": "nothing"}
        return last["type"] == "http.response.body" and not last.get("more_body", False)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Note it."""
        assert low is None
        self.limit = high

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - asyncio's signature
        """The connection is its own socket."""
        assert (name, default) == ("socket", None)
        return self

    def setsockopt(self, *option: int) -> None:
        """Note it."""
        self.options.append(option)

    def abort(self) -> None:
        """Note it."""
        self.aborted = asyncio.get_running_loop().time()
        self.cut.set()


def reader_of(send: Send) -> Reader:
    """The connection behind a reader's `send`."""
    reader = getattr(send, "__self__", None)
    return reader if isinstance(reader, Reader) else Reader()


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
