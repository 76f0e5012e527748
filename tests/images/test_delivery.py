"""Answers of every kind to clients that read, read slowly, or do not read: their time and their memory are bounded."""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import flask
import pytest
import virtual_time
from asgi import Reader, limits, reader_of
from mlflow_platform_server import answers, delivery, transfers
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.audit import AuditLog
from mlflow_platform_server.delivery import PIECE_BYTES, Delivery
from mlflow_platform_server.draining import Draining
from mlflow_platform_server.errors import ErrorBodies
from mlflow_platform_server.fairness import Fairness
from mlflow_platform_server.no_team_page import NoTeamPage
from mlflow_platform_server.outflow import Outflow
from mlflow_platform_server.room import MEBIBYTE, Room
from mlflow_platform_server.scope import Caller, Scope, bind, facts
from mlflow_platform_server.shares import Party
from mlflow_platform_server.slots import Slots
from mlflow_platform_server.store_calls import StoreCalls
from mlflow_platform_server.transfers import MIB, Transfers
from mlflow_platform_server.wsgi import PART_BYTES, Bridge
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
    """Run a function in no thread: virtual time cannot wait for one."""
    return call()


def environ(scope: Message, body: bytes) -> dict[str, Any]:
    return EnvironBuilder(scope["path"], method=scope["method"], data=body).get_environ()


class AtOnce(StoreCalls):
    """Calls of the store in no thread."""

    async def run(self, party: Party, seconds: float, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the store now."""
        assert party.team
        assert seconds
        return call(*args, **kwargs)


class Object:
    """A range of an object in the store."""

    def __init__(self, start: int, stop: int) -> None:
        self._left = stop - start

    def read(self, size: int, /) -> bytes:
        """Read on."""
        size = min(size, self._left)
        self._left -= size
        return bytes(size)

    def close(self) -> None:
        """Close nothing."""


@dataclass
class Server:
    """The layers that answers pass, around applications that make each kind of answer."""

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
            await page(scope, receive, send)

        async def bound(scope: Message, receive: Receive, send: Send) -> None:
            found = facts(scope)
            with bind(Scope(name=found.id, workspace=found.workspace, caller=found.caller)):
                await work(scope, receive, send)

        async def nobody(_: Caller) -> bool:
            return False

        work = Slots(served, self.fairness)
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
            delivery.bounds_itself()
            flow = Outflow(self.shared, place, memory)
            paced = flow.paced(send)
            await paced({"type": "http.response.start", "status": 200, "headers": []})
            pieces: AsyncGenerator[bytes, None] = flow.pieces(Object, 0, FILE_BYTES)
            async with aclosing(pieces):
                async for piece in pieces:
                    await paced({"type": "http.response.body", "body": piece, "more_body": True})
            await paced({"type": "http.response.body", "body": b"", "more_body": False})

    async def get(self, path: str, reader: Reader, team: str = "team-a") -> Reader:
        """Send one request; returns when the server has done with it."""
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
        """True if no request holds anything any more."""
        memory, turns = self.shared.memory, self.fairness.turns
        return memory.free == memory.terms.capacity and turns.free == self.slots and not memory.faults()


def played(folder: Path, scene: Callable[[Server], Awaitable[None]]) -> None:
    """Run a scene; afterwards nothing is held."""

    async def play() -> None:
        server = Server(folder)
        await scene(server)
        assert server.nothing_is_held()

    virtual_time.run(play())


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("takes", [0, 1, 2])
@pytest.mark.parametrize("path", KINDS)
def test_a_client_that_stops_reading_is_cut_off(path: str, takes: int, tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        reader = await server.get(path, Reader(takes=takes))
        if reader.complete:
            assert reader.aborted is None
            return
        seconds = transfers.PART_SECONDS if path == "/api/download" else IDLE
        assert now() == pytest.approx(seconds, abs=1)
        assert reader.aborted == pytest.approx(seconds, abs=1)

    played(tmp_path, scene)


@pytest.mark.parametrize("pause", [0, 1, IDLE - 1])
@pytest.mark.parametrize("path", KINDS)
def test_a_client_gets_the_whole_answer_however_slowly_it_reads(path: str, pause: float, tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        quick = await server.get(path, Reader())
        slow = await server.get(path, Reader(pause=pause))
        assert slow.complete
        assert slow.aborted is None
        # Request IDs differ.
        assert (len(slow.body), slow.messages[0]["status"]) == (len(quick.body), quick.messages[0]["status"])

    played(tmp_path, scene)


@pytest.mark.parametrize("path", KINDS)
def test_the_web_server_never_keeps_more_than_a_piece(path: str, tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        reader = await server.get(path, Reader())
        assert reader.offered <= PIECE_BYTES
        assert reader.limit == 0
        assert len(reader.options) == 1
        # The last one is sent when the socket has all others.
        assert len(reader.messages[-1]["body"]) < PIECE_BYTES

    played(tmp_path, scene)


@pytest.mark.parametrize("path", KINDS)
def test_answers_that_nobody_reads_hold_bounded_memory_and_no_slot(path: str, tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        unread = [asyncio.create_task(server.get(path, Reader(takes=2))) for _ in range(11)]
        await asyncio.sleep(1)
        memory = server.shared.memory
        held = (memory.terms.capacity - memory.free) * transfers.UNIT_BYTES
        expected = {"/api/json": JSON_BYTES, "/api/large-error": 250_000, "/api/download": MIB}.get(path, 0)
        assert expected * 11 <= held <= (expected + transfers.UNIT_BYTES) * 11 or not expected == held == 0
        assert server.fairness.turns.free == server.slots
        # Of a file only the next part is made.
        assert server.made <= 11 * 3 * PART_BYTES
        await asyncio.gather(*unread)

    played(tmp_path, scene)


def test_answers_without_memory_keep_their_slots_and_have_to_be_taken_in_time(tmp_path: Path) -> None:
    """Else a client that takes a piece now and then would keep a slot for hours."""

    async def scene(server: Server) -> None:
        memory = server.shared.memory
        leases = math.ceil(JSON_BYTES / transfers.UNIT_BYTES)
        count = memory.terms.capacity // leases + 10
        slow = [Reader(pause=IDLE - 1) for _ in range(count)]
        begun = [asyncio.create_task(server.get("/api/json", reader)) for reader in slow]
        await asyncio.sleep(5)
        assert server.fairness.turns.free < server.slots
        assert memory.free >= 0
        await asyncio.sleep(2 * IDLE)
        cut = [reader for reader in slow if reader.aborted is not None]
        assert cut
        assert all(reader.aborted is not None and reader.aborted <= 2 * IDLE for reader in cut)
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)

    played(tmp_path, scene)


def test_another_team_is_answered_beside_a_team_that_reads_nothing(tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        unread = [asyncio.create_task(server.get("/api/json", Reader(takes=1))) for _ in range(40)]
        await asyncio.sleep(1)
        for path in KINDS:
            start = now()
            reader = await server.get(path, Reader(), "team-b")
            assert reader.complete
            assert now() - start < 1
        await asyncio.gather(*unread)

    played(tmp_path, scene)


def test_an_upload_gets_the_memory_of_answers_that_nobody_reads(tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        unread = [asyncio.create_task(server.get("/api/json", Reader(pause=10))) for _ in range(30)]
        await asyncio.sleep(1)
        start = now()
        memory = server.shared.memory
        party = Party(team="team-b", caller="uploader")
        with await memory.take(party, 128, seconds=10), await memory.take(party, 128, seconds=10):
            assert now() - start < 10
        for task in unread:
            task.cancel()
        await asyncio.gather(*unread, return_exceptions=True)

    played(tmp_path, scene)


@pytest.mark.parametrize("takes", [1, 2])
def test_the_memory_of_a_body_is_given_back_when_the_answer_begins(takes: int) -> None:
    """Two unread answers to requests of 16 MiB would stop the bodies of all others."""

    async def play() -> None:
        room = Room(32 * MEBIBYTE, percent=50, queue_seconds=10)
        shared = transfers.shared(places=8, memory=40 * MIB, team_percent=50, queue_seconds=10, idle_seconds=IDLE)

        async def app(_: Message, __: Receive, send: Send) -> None:
            with room.hold("team-a", "alice", lambda: None) as hold:
                await room.grow(hold, 16 * MEBIBYTE)
                await asyncio.sleep(1)
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": bytes(JSON_BYTES), "more_body": False})

        layer = Delivery(app, seconds=IDLE, memory=shared.memory, connection=reader_of)
        scope: Message = {"type": "http", "headers": []}
        readers = [Reader(takes=takes) for _ in range(2)]
        requests = [asyncio.create_task(_ask(layer, scope, reader)) for reader in readers]
        await asyncio.sleep(0.5)
        assert room.used == 32 * MEBIBYTE
        await asyncio.sleep(1)
        assert room.used == 0
        assert all(not request.done() for request in requests)
        await asyncio.gather(*requests)
        assert all(reader.aborted for reader in readers)

    virtual_time.run(play())


async def _ask(app: App, scope: Message, reader: Reader) -> None:
    async def receive() -> Message:
        raise AssertionError

    await app(scope, receive, reader.send)


def test_a_time_out_of_the_application_is_no_cut_connection() -> None:
    async def app(_: Message, __: Receive, ___: Send) -> None:
        raise TimeoutError

    async def play() -> None:
        shared = transfers.shared(places=8, memory=40 * MIB, team_percent=50, queue_seconds=10, idle_seconds=IDLE)
        layer = Delivery(app, seconds=IDLE, memory=shared.memory, connection=reader_of)
        reader = Reader()
        with pytest.raises(TimeoutError):
            await _ask(layer, {"type": "http", "headers": []}, reader)
        assert reader.aborted is None

    virtual_time.run(play())


def test_everything_but_requests_passes() -> None:
    seen = list[str]()

    async def app(scope: Message, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    async def play() -> None:
        shared = transfers.shared(places=8, memory=40 * MIB, team_percent=50, queue_seconds=10, idle_seconds=IDLE)
        layer = Delivery(app, seconds=IDLE, memory=shared.memory)
        await _ask(layer, {"type": "lifespan"}, Reader())

    virtual_time.run(play())
    assert seen == ["lifespan"]
