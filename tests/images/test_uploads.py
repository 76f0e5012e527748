"""Uploads in parts, to a store that records them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from mlflow_platform_server import uploads

PART = 100


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] - pytest uses it
    monkeypatch.setattr(uploads, "PART_BYTES", PART)


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
        """Take a part of the open upload."""
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
        """Throw the parts away."""
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


def uploaded(length: int, store: Store, *, slots: int = 4, ends: Callable[[], None] = lambda: None) -> None:
    async def run() -> None:
        free = asyncio.Semaphore(slots)
        try:
            await uploads.store(chunks(length, ends=ends), store, free)
        finally:
            for _ in range(slots):
                assert not free.locked(), "a slot was not given back"
                await free.acquire()

    asyncio.run(run())


@pytest.mark.parametrize("length", [0, 1, PART - 1])
def test_an_upload_smaller_than_a_part_is_written_in_one_request(length: int) -> None:
    store = Store()
    uploaded(length, store)
    assert store.content == body(length)
    assert not store.parts


@pytest.mark.parametrize("length", [PART, PART + 1, 3 * PART, 3 * PART + 7, 1234])
@pytest.mark.parametrize("slots", [1, 2, 16])
def test_a_larger_upload_is_written_in_equal_parts(length: int, slots: int) -> None:
    store = Store()
    uploaded(length, store, slots=slots)
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
    """A part that arrives later would stay in the store for good, as part of no object."""
    store = Store(seconds=0.2)
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield body(PART)
        yield body(PART)
        reached.set()
        await asyncio.Event().wait()

    async def run() -> None:
        upload = asyncio.create_task(uploads.store(endless(), store, asyncio.Semaphore(4)))
        await reached.wait()
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload

    asyncio.run(run())
    assert (store.content, store.parts, store.open) == (None, {}, False)


def test_many_uploads_hold_no_more_parts_than_there_are_slots() -> None:
    held = 0
    most = 0

    class Counting(asyncio.Semaphore):
        async def acquire(self) -> bool:  # type: ignore[override]
            nonlocal held, most
            done = await super().acquire()
            held += 1
            most = max(most, held)
            return done

        def release(self) -> None:
            nonlocal held
            held -= 1
            super().release()

    stores = [Store(seconds=0.001) for _ in range(12)]

    async def run() -> None:
        slots = Counting(3)
        await asyncio.gather(*(uploads.store(chunks(5 * PART), store, slots) for store in stores))

    asyncio.run(run())
    assert all(store.content == body(5 * PART) for store in stores)
    assert (most, held) == (3, 0)


def test_the_upload_of_a_client_that_stops_sending_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART_SECONDS", 0.01)
    store = Store()

    async def silent() -> AsyncIterator[bytes]:
        yield body(PART)
        yield b"a little"
        await asyncio.Event().wait()

    with pytest.raises(uploads.TooSlowError):
        asyncio.run(uploads.store(silent(), store, asyncio.Semaphore(4)))
    assert (store.content, store.parts, store.open) == (None, {}, False)


def test_an_upload_that_gets_no_slot_in_time_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "WAIT_SECONDS", 0.01)

    async def run() -> None:
        slots = asyncio.Semaphore(1)
        await slots.acquire()
        await uploads.store(chunks(10), Store(), slots)

    with pytest.raises(uploads.BusyError):
        asyncio.run(run())
