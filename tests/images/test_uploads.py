"""Uploads in parts, to a store that records them."""

import asyncio
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import virtual_time
from mlflow_platform_server import scope, transfers, uploads
from mlflow_platform_server.shares import BusyError, Party
from mlflow_platform_server.transfers import Transfers

PART = 100
SMALL = 8
SOMEONE = Party(team="team-a", caller="someone")
ANOTHER = Party(team="team-b", caller="another")


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] - pytest uses it
    monkeypatch.setattr(transfers, "PART_BYTES", PART)
    monkeypatch.setattr(transfers, "UNIT_BYTES", 1)
    monkeypatch.setattr(transfers, "SMALL_BYTES", SMALL)
    monkeypatch.setattr(uploads, "JOINED_BYTES", 4)
    monkeypatch.setattr(uploads, "FIRST_BYTES", 16)
    monkeypatch.setattr(uploads, "PIECE_BYTES", PART // 2)


def room(*, parts: int = 4, places: int = 40) -> Transfers:
    """Shares with memory for a number of parts, beside the reserve and the small buffers."""
    memory = (parts + 2) * PART + places * SMALL
    return transfers.shared(places=places, memory=memory, team_percent=50, queue_seconds=10, idle_seconds=20, calls=8)


@dataclass(slots=True)
class Store:
    """An object store with one object."""

    content: bytes | None = None
    parts: dict[int, bytes] = field(default_factory=dict[int, bytes])
    open: bool = False
    busy: int = 0
    most_busy: int = 0
    fails_at: int = 0
    seconds: float = 0

    def put(self, content: bytes) -> None:
        """Write the object."""
        self.content = content

    def begin(self) -> str:
        """Open an upload."""
        self.open = True
        return "upload"

    def put_part(self, upload: str, number: int, content: bytes) -> str:
        """Store a part of the open upload."""
        assert upload == "upload"
        time.sleep(self.seconds)
        if number == self.fails_at:
            raise OSError("the store is full")
        self.parts[number] = content
        return f"tag-{number}"

    def complete(self, upload: str, tags: list[str]) -> None:
        """Put the parts together."""
        assert upload == "upload"
        assert tags == [f"tag-{number}" for number in sorted(self.parts)]
        self.content = b"".join(part for _, part in sorted(self.parts.items()))
        self.open = False

    def abort(self, upload: str) -> None:
        """Discard the parts."""
        assert upload == "upload"
        self.parts.clear()
        self.open = False


class GoneError(Exception):
    """The client has closed its connection."""


async def chunks(length: int, *, of: int = 30, ends: Callable[[], None] = lambda: None) -> AsyncIterator[bytes]:
    data = body(length)
    for start in range(0, length, of):
        yield data[start : start + of]
    ends()


def body(length: int) -> bytes:
    return bytes(number % 251 for number in range(length))


def goes_away() -> None:
    raise GoneError


def unused(shared: Transfers) -> bool:
    """True if no upload holds memory."""
    every = (shared.places, shared.memory, shared.calls.shares)
    return all(one.free == one.terms.capacity and one.faults() == [] for one in every)


def uploaded(
    length: int, store: Store, *, parts: int = 4, of: int = 30, ends: Callable[[], None] = lambda: None
) -> None:
    async def run() -> None:
        shared = room(parts=parts)
        try:
            await uploads.store(chunks(length, of=of, ends=ends), store, shared, SOMEONE)
        finally:
            await asyncio.sleep(0)
            assert unused(shared), "something was not given back"

    asyncio.run(run())


@pytest.mark.parametrize("length", [0, 1, PART - 1])
def test_an_upload_smaller_than_a_part_is_written_in_one_request(length: int) -> None:
    store = Store()
    uploaded(length, store)
    assert store.content == body(length)
    assert not store.parts


@pytest.mark.parametrize("length", [PART, PART + 1, 3 * PART, 3 * PART + 7, 1234])
@pytest.mark.parametrize("parts", [1, 2, 16])
@pytest.mark.parametrize("of", [1, 30, 250])
def test_a_larger_upload_is_written_in_equal_parts(length: int, parts: int, of: int) -> None:
    store = Store()
    uploaded(length, store, parts=parts, of=of)
    assert store.content == body(length)
    sizes = [len(part) for _, part in sorted(store.parts.items())]
    assert all(size == PART for size in sizes[:-1])
    assert not store.open


@pytest.mark.parametrize("length", [10, PART, 5 * PART + 1])
def test_an_upload_that_is_cut_short_leaves_neither_an_object_nor_parts(length: int) -> None:
    store = Store()
    with pytest.raises(GoneError):
        uploaded(length, store, ends=goes_away)
    assert store.content is None
    assert (store.parts, store.open) == ({}, False)


@pytest.mark.parametrize("fails_at", [1, 2, 5])
def test_a_part_that_the_store_refuses_aborts_the_upload(fails_at: int) -> None:
    store = Store(fails_at=fails_at)
    with pytest.raises(OSError, match="full"):
        uploaded(5 * PART, store)
    assert store.content is None
    assert (store.parts, store.open) == ({}, False)


def test_an_upload_that_is_cancelled_waits_for_its_part_before_it_gives_up() -> None:
    """A part that arrives later would stay in the store permanently, as part of no object."""
    store = Store(seconds=0.2)
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield body(PART)
        yield body(PART)
        reached.set()
        await asyncio.Event().wait()

    async def run() -> None:
        upload = asyncio.create_task(uploads.store(endless(), store, room(), SOMEONE))
        await reached.wait()
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload

    asyncio.run(run())
    assert (store.content, store.parts, store.open) == (None, {}, False)


def test_many_uploads_hold_no_more_memory_than_there_is_and_all_of_them_end() -> None:
    stores = [Store(seconds=0.001) for _ in range(30)]

    async def run() -> None:
        shared = room(parts=2)
        least = shared.memory.free

        async def watch() -> None:
            nonlocal least
            while True:
                least = min(least, shared.memory.free)
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        await asyncio.gather(*(uploads.store(chunks(5 * PART), store, shared, SOMEONE) for store in stores))
        watching.cancel()
        assert 0 <= least < 3 * PART
        await asyncio.sleep(0)
        assert unused(shared)

    asyncio.run(run())
    assert all(store.content == body(5 * PART) for store in stores)


async def stops_after(length: int, *, every: float = 0) -> AsyncIterator[bytes]:
    """A client that sends some bytes, and then none, or one every few seconds."""
    for start in range(0, length, 10):
        yield bytes(min(10, length - start))
    while True:
        await asyncio.sleep(every or 10_000)
        yield b"."


def test_the_upload_of_a_client_that_stops_sending_is_aborted() -> None:
    store = Store()
    with pytest.raises(uploads.TooSlowError):
        virtual_time.run(uploads.store(stops_after(PART + 10), store, room(), SOMEONE))
    assert (store.content, store.parts, store.open) == (None, {}, False)


def test_the_slowest_client_that_is_allowed_finishes_if_nobody_else_waits() -> None:
    store = Store()

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(2 * PART):
            await asyncio.sleep(transfers.PART_SECONDS / PART * 0.99)
            yield b"."

    virtual_time.run(uploads.store(slow(), store, room(), SOMEONE))
    assert store.content == b"." * (2 * PART)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """Uploads of one team that never end."""

    number: int
    sends: int
    every: float = 0
    callers: int = 1


ATTACKS = {
    "one byte": Attack(number=80, sends=1),
    "nothing": Attack(number=80, sends=0),
    "a little more than the small buffer": Attack(number=80, sends=SMALL + 5),
    "nearly a part": Attack(number=80, sends=PART - 1),
    "nearly a part, from few": Attack(number=16, sends=PART - 1),
    "a byte now and then": Attack(number=80, sends=PART // 2, every=5),
    "many callers": Attack(number=80, sends=PART - 1, every=5, callers=50),
    "the second part": Attack(number=80, sends=PART + PART // 2),
}


@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize("after", [0, 60])
@pytest.mark.parametrize("length", [5, PART // 2, 5 * PART])
def test_uploads_of_one_team_that_never_end_do_not_delay_those_of_another(kind: str, after: float, length: int) -> None:
    """A single request of the other team waits at most for the patience, half of `queue_seconds`.

    Uploads of several parts may do so more than once.
    """
    attack = ATTACKS[kind]

    async def run() -> None:
        shared = room()
        clock = asyncio.get_running_loop().time

        async def attacker(number: int) -> None:
            party = Party(team="team-a", caller=f"{number % attack.callers}")
            while True:
                with suppress(BusyError, uploads.TooSlowError):
                    await uploads.store(stops_after(attack.sends, every=attack.every), Store(), shared, party)
                await asyncio.sleep(1)

        attackers = [asyncio.create_task(attacker(number)) for number in range(attack.number)]
        await asyncio.sleep(1 + after)
        for _ in range(3):
            start = clock()
            stores = [Store() for _ in range(3)]
            await asyncio.gather(*(uploads.store(chunks(length, of=SMALL), store, shared, ANOTHER) for store in stores))
            assert all(store.content == body(length) for store in stores)
            assert clock() - start < shared.queue_seconds
        for task in attackers:
            task.cancel()
        await asyncio.gather(*attackers, return_exceptions=True)
        await asyncio.sleep(0)
        assert unused(shared)

    virtual_time.run(run())


def test_uploads_whose_calls_hang_in_the_store_leave_threads_to_another_team() -> None:
    released = threading.Event()

    class Hanging(Store):
        def put(self, content: bytes) -> None:
            released.wait()
            super().put(content)

    async def run() -> None:
        shared = room()
        hanging = [
            asyncio.create_task(uploads.store(chunks(5), Hanging(), shared, SOMEONE))
            for _ in range(shared.calls.shares.terms.capacity * 2)
        ]
        await asyncio.sleep(0.01)
        store = Store()
        await uploads.store(chunks(5), store, shared, ANOTHER)
        assert store.content == body(5)
        released.set()
        await asyncio.gather(*hanging, return_exceptions=True)

    try:
        asyncio.run(run())
    finally:
        released.set()


def test_transfers_whose_authorization_hangs_leave_a_thread_to_another_team() -> None:
    released = threading.Event()

    async def run() -> None:
        pool = transfers.Authorizations(2)

        async def authorize(team: str, decide: Callable[[], object]) -> None:
            with scope.bind(scope.Scope(name="1", workspace=team)):
                await pool.run(decide)

        hanging = [asyncio.create_task(authorize("team-a", released.wait)) for _ in range(20)]
        await asyncio.sleep(0.01)
        await asyncio.wait_for(authorize("team-b", lambda: None), 10)
        released.set()
        await asyncio.gather(*hanging)

    try:
        asyncio.run(run())
    finally:
        released.set()


def test_a_body_in_single_bytes_takes_no_more_memory_than_in_one() -> None:
    async def run() -> int:
        shared = room()
        place = await shared.places.take(SOMEONE, seconds=1)
        size = 50 * transfers.KIB
        parts = uploads.Parts(chunks(size, of=1), shared, place, size=size)
        tracemalloc.start()
        await parts.read()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert parts.waiting == body(size)
        return most

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploads, "JOINED_BYTES", 4 * transfers.KIB)
        patch.setattr(transfers, "SMALL_BYTES", transfers.MIB)
        # The body, the source of the chunks, and the joined part.
        assert asyncio.run(run()) < 4 * 50 * transfers.KIB


@pytest.mark.parametrize("length", [0, 1, PART // 2, PART, 3 * PART + 7])
def test_a_file_is_written_in_pieces(length: int) -> None:
    written = list[bytes]()

    async def run() -> None:
        shared = room()
        with await shared.places.take(SOMEONE, seconds=1) as place:
            await uploads.write(chunks(length), written.append, shared, place)
        await asyncio.sleep(0)
        assert unused(shared)

    asyncio.run(run())
    assert b"".join(written) == body(length)
    assert all(len(piece) == PART // 2 for piece in written[:-1])


def test_an_upload_that_gets_no_memory_in_time_fails() -> None:
    async def run() -> None:
        shared = room()
        with suppress(BusyError):
            while True:
                await shared.memory.take(SOMEONE, PART, seconds=1)
        with pytest.raises(BusyError):
            await uploads.store(chunks(PART), Store(), shared, SOMEONE)

    virtual_time.run(run())
