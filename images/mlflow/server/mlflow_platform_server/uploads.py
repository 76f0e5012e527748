"""An upload of any size in bounded memory: read a part, send it on, and only then read on.

S3 shows an object when all of it has arrived. If the client goes away before that, the parts that were sent are given
up. The uploads of a process share its slots, one for each part in memory, and are served in turn: many slow uploads
need no more memory than a few, and none waits for the end of another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Protocol, TypeVar

MIB = 1024 * 1024
# S3 takes no part of less than 5 MiB and no more than 10,000 of them: an object has 78 GiB at most.
PART_BYTES = 8 * MIB
# For each worker process: 128 MiB of parts.
SLOTS = 16
# A client that sends less than a part in this time (27 KiB/s) is in the way of others.
PART_SECONDS = 300
# For a slot; clients try again when none became free.
WAIT_SECONDS = 100


T = TypeVar("T")


class BusyError(Exception):
    """No memory for a part became free in time."""


class TooSlowError(Exception):
    """The client sends nothing, or next to nothing."""


class Target(Protocol):
    """Where an upload goes: one object of an S3 store. Its methods block."""

    def put(self, content: bytes) -> None:
        """Write the object in one request."""
        ...

    def begin(self) -> str:
        """Begin to write it in parts; returns the upload's id."""
        ...

    def put_part(self, upload: str, number: int, content: bytes) -> str:
        """Write a part, counted from 1; returns its tag."""
        ...

    def complete(self, upload: str, tags: list[str]) -> None:
        """Make an object of the parts."""
        ...

    def abort(self, upload: str) -> None:
        """Give the parts up."""
        ...


async def store(chunks: AsyncIterator[bytes], target: Target, slots: asyncio.Semaphore) -> None:
    """Write all that `chunks` gives into one object, or nothing at all.

    Raises:
        BusyError: no slot became free in time.
        TooSlowError: the client sent too little for too long.
    """
    parts = _Parts(chunks, slots)
    try:
        await parts.read()
        if parts.ended:
            await parts.send(target.put)
        else:
            await _store_in_parts(parts, target)
    finally:
        parts.release()


async def _store_in_parts(parts: "_Parts", target: Target) -> None:
    upload = await asyncio.to_thread(target.begin)
    tags = list[str]()
    sending: asyncio.Task[str] | None = None
    try:
        while parts.waiting:
            if sending is not None:
                tags.append(await asyncio.shield(sending))
            sending = parts.send(partial(target.put_part, upload, len(tags) + 1))
            # The next part is read while this one is on its way.
            await parts.read()
        if sending is not None:
            tags.append(await asyncio.shield(sending))
        await asyncio.to_thread(target.complete, upload, tags)
    except BaseException:
        if sending is not None:
            # A part that arrives after the end of its upload would stay for good.
            await asyncio.gather(sending, return_exceptions=True)
        await asyncio.shield(asyncio.to_thread(target.abort, upload))
        raise


class _Parts:
    """The parts of one upload, and the slots that they are in."""

    def __init__(self, chunks: AsyncIterator[bytes], slots: asyncio.Semaphore) -> None:
        self._chunks = chunks
        self._slots = slots
        self._held = 0
        self._rest = b""
        self.waiting = b""
        """The part that was read and not sent yet. Nothing else refers to it, so that it is gone when it was sent."""
        self.ended = False

    async def read(self) -> None:
        """Read the next part; an empty one after the end of the body."""
        if self.ended:
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError as error:
            raise BusyError from error
        self._held += 1
        pieces, length = [self._rest], len(self._rest)
        try:
            async with asyncio.timeout(PART_SECONDS):
                while length < PART_BYTES and not self.ended:
                    piece = await anext(self._chunks, None)
                    self.ended = piece is None
                    pieces.append(piece or b"")
                    length += len(pieces[-1])
        except TimeoutError as error:
            raise TooSlowError from error
        surplus = max(0, length - PART_BYTES)
        last = pieces.pop()
        self._rest = last[len(last) - surplus :]
        # Immutable, because the S3 client makes a copy of anything else.
        self.waiting = b"".join((*pieces, last[: len(last) - surplus]))

    def send(self, call: Callable[[bytes], T]) -> asyncio.Task[T]:
        """Send the part that is waiting."""
        part, self.waiting = self.waiting, b""
        return asyncio.create_task(self._send(call, part))

    async def _send(self, call: Callable[[bytes], T], part: bytes) -> T:
        try:
            return await asyncio.to_thread(call, part)
        finally:
            self._held -= 1
            self._slots.release()

    def release(self) -> None:
        """Give back the slots of parts that were never sent."""
        for _ in range(self._held):
            self._slots.release()
        self._held = 0
