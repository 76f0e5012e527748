"""A test server that gives every kind of answer, behind the layers that answers pass through."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import flask
from asgi import Reader, limits, reader_of
from mlflow_platform_server import answers, delivery, request_guard, transfers
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.audit import AuditLog
from mlflow_platform_server.delivery import Delivery
from mlflow_platform_server.draining import Draining
from mlflow_platform_server.errors import ErrorBodies
from mlflow_platform_server.fairness import Fairness
from mlflow_platform_server.no_team_page import NoTeamPage
from mlflow_platform_server.outflow import Outflow
from mlflow_platform_server.scope import Caller, Scope, bind, facts
from mlflow_platform_server.shares import Party
from mlflow_platform_server.slots import Slots
from mlflow_platform_server.store_calls import StoreCalls
from mlflow_platform_server.transfers import MIB, Transfers
from mlflow_platform_server.wsgi import Bridge
from werkzeug.test import EnvironBuilder

P = ParamSpec("P")
T = TypeVar("T")
IDLE = 20
SLOTS = 4
FILE_BYTES, JSON_BYTES = 2 * MIB + 7, 3 * MIB
# Kinds of answer, by the path of their request.
KINDS = ("/static-files/main.js", "/api/json", "/api/error", "/api/large-error", "/api/refused", "/", "/api/download")
OPEN = frozenset({"/static-files/main.js", "/", "/api/refused"})


async def at_once(call: Callable[[], T], /) -> T:
    """Run a function without a thread: virtual time cannot wait for threads."""
    return call()


class Relay:
    """A layer as Starlette's BaseHTTPMiddleware: the application hands it one part after the other.

    The layer learns that the application has ended when the client has taken the part before the end.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        parts: asyncio.Queue[Message | None] = asyncio.Queue(1)

        async def served() -> None:
            with suppress(Exception):
                await self._app(scope, receive, parts.put)
            await parts.put(None)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(served())
            while (part := await parts.get()) is not None:
                await send(part)


def environ(scope: Message, body: bytes) -> dict[str, Any]:
    return EnvironBuilder(scope["path"], method=scope["method"], data=body).get_environ()


class AtOnce(StoreCalls):
    """Calls of the store without threads."""

    async def run(self, party: Party, seconds: float, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the store at once."""
        assert party.team
        assert seconds
        return call(*args, **kwargs)


class Object:
    """A range of an object in the store."""

    def __init__(self, start: int, stop: int) -> None:
        self._left = stop - start

    def read(self, size: int, /) -> bytes:
        """Read the next bytes."""
        size = min(size, self._left)
        self._left -= size
        return bytes(size)

    def close(self) -> None:
        """Do nothing."""


@dataclass
class Server:
    """The layers that answers pass through, around applications that give each kind of answer."""

    folder: Path
    slots: int = SLOTS
    shared: Transfers = field(init=False)
    fairness: Fairness = field(init=False)
    app: App = field(init=False)
    made: int = 0
    """Bytes of the file that were read."""

    def __post_init__(self) -> None:
        (self.folder / "main.js").write_bytes(bytes(FILE_BYTES))
        shared = transfers.shared(places=64, memory=80 * MIB, team_percent=50, queue_seconds=10, idle_seconds=IDLE)
        self.shared = replace(shared, calls=AtOnce(shared.calls.shares))
        self.fairness = Fairness(limits(), self.slots)
        bridge = Bridge(self._flask().wsgi_app, environ, at_once)

        async def served(scope: Message, receive: Receive, send: Send) -> None:
            await (self._download if scope["path"] == "/api/download" else bridge)(scope, receive, send)

        async def refusing(scope: Message, receive: Receive, send: Send) -> None:
            if scope["path"] == "/api/refused":
                await answers.refuse(send, 404, "ENDPOINT_NOT_FOUND", "No such endpoint.")
                return
            found = facts(scope)
            found.route = f"GET {scope['path']}"
            found.caller = scope["test.caller"]
            found.workspace = None if scope["path"] in OPEN else scope["test.team"]
            await request_guard.in_fresh_context(page, scope, receive, send)

        async def bound(scope: Message, receive: Receive, send: Send) -> None:
            found = facts(scope)
            with bind(Scope(name=found.id, workspace=found.workspace, caller=found.caller)):
                await work(scope, receive, send)

        async def nobody(_: Caller) -> bool:
            return False

        # MLflow has two such layers, its authorization plugin one.
        work = Slots(Relay(Relay(Relay(served))), self.fairness)
        page = NoTeamPage(bound, nobody)
        audited = AuditLog(ErrorBodies(refusing), lambda _: None, pod="pod")
        self.app = Delivery(
            Draining(audited, most_bytes=0, seconds=1),
            seconds=IDLE,
            memory=self.shared.memory,
            connection=reader_of,
        )

    def _flask(self) -> flask.Flask:
        app = flask.Flask("mlflow", static_folder=None)

        @app.get("/static-files/<path:path>")
        def file(path: str) -> flask.Response:
            response = flask.send_from_directory(self.folder, path)
            response.response = self._counted(response.response)
            return response

        @app.get("/api/json")
        def document() -> flask.Response:
            return flask.Response(b"x" * JSON_BYTES, mimetype="application/json")

        @app.get("/api/error")
        def error() -> flask.Response:
            return flask.Response(b"{}", 404, mimetype="application/json")

        @app.get("/api/large-error")
        def large_error() -> flask.Response:
            return flask.Response(b"x" * 250_000, 400, mimetype="text/plain")

        assert all((file, document, error, large_error))
        return app

    def _counted(self, chunks: Any) -> Any:  # noqa: ANN401 - whatever Flask makes
        for chunk in chunks:
            self.made += len(chunk)
            yield chunk

    async def _download(self, _: Message, __: Receive, send: Send) -> None:
        party = transfers.party()
        with (
            await self.shared.places.take(party, seconds=1) as place,
            await self.shared.memory.take(party, 16, seconds=10) as memory,
        ):
            flow = Outflow(self.shared, place, memory, delivery.bounds_itself())
            paced = flow.paced(send)
            await paced({"type": "http.response.start", "status": 200, "headers": []})
            pieces: AsyncGenerator[bytes, None] = flow.pieces(Object, 0, FILE_BYTES)
            async with aclosing(pieces):
                async for piece in pieces:
                    await paced({"type": "http.response.body", "body": piece, "more_body": True})
            await paced({"type": "http.response.body", "body": b"", "more_body": False})

    async def get(self, path: str, reader: Reader, team: str = "team-a") -> Reader:
        """Send one request; returns when the server has finished it."""
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(b"accept", b"text/html")],
            "test.team": team,
            "test.caller": Caller(user=f"somebody of {team}"),
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        try:
            await self.app(scope, receive, reader.send)
        except Exception as error:  # noqa: BLE001 - what the web server would log
            assert type(error).__name__ == "StalledError"  # noqa: PT017 - the server's answer, not the test's
        return reader

    def nothing_is_held(self) -> bool:
        """True if no request still holds memory or a slot."""
        memory, turns = self.shared.memory, self.fairness.turns
        return memory.free == memory.terms.capacity and turns.free == self.slots and not memory.faults()
