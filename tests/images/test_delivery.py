"""Answers of every kind to clients that read, read slowly, or do not read: their time and their memory are bounded."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import virtual_time
from answering import IDLE, JSON_BYTES, KINDS, Server
from asgi import Reader, reader_of
from mlflow_platform_server import transfers
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.delivery import PIECE_BYTES, Delivery
from mlflow_platform_server.room import MEBIBYTE, Room
from mlflow_platform_server.shares import Party
from mlflow_platform_server.transfers import MIB
from mlflow_platform_server.wsgi import PART_BYTES


def played(folder: Path, scene: Callable[[Server], Awaitable[None]]) -> None:
    """Run a scene, and check that no memory or slot is held afterwards."""

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
        # Of a file only the next part is made, and one that each layer between hands on.
        assert server.made <= 11 * 9 * PART_BYTES
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
