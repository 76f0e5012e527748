"""Uploads of any size in bounded memory, as S3 multipart uploads.

S3 shows an object only when all of it has arrived. If the client disconnects before that, the upload is aborted and
the parts sent so far are deleted. The uploads of a process share a fixed number of slots, one for each part in memory.
A slot is held for one part, not for a whole upload: many slow uploads need no more memory than a few, and none waits
for another to end.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Protocol, TypeVar

MIB = 1024 * 1024
# S3 takes parts of at least 5 MiB, and at most 10,000 of them: the largest object has 78 GiB.
PART_BYTES = 8 * MIB
# For each worker process: 128 MiB of parts.
SLOTS = 16
# Longest time for a client to send one part (27 KiB/s); a slower one blocks a slot for too long.
PART_SECONDS = 300
# Longest wait for a slot; after that the client is told to try again.
WAIT_SECONDS = 100


T = TypeVar("T")


class BusyError(Exception):
    """No slot became free in time."""


class TooSlowError(Exception):
    """The client sent less than a part in `PART_SECONDS`."""


class Target(Protocol):
    """The object of an S3 store that an upload writes. Its methods block."""

    def put(self, content: bytes) -> None:
        """Write the object in one request."""
        ...

    def begin(self) -> str:
        """Begin a multipart upload; returns its id."""
        ...

    def put_part(self, upload: str, number: int, content: bytes) -> str:
        """Write the part `number`, counted from 1; returns its ETag."""
        ...

    def complete(self, upload: str, tags: list[str]) -> None:
        """Join the parts into the object."""
        ...

    def abort(self, upload: str) -> None:
        """Delete the parts."""
        ...


async def store(chunks: AsyncIterator[bytes], target: Target, slots: asyncio.Semaphore) -> None:
    """Write `chunks` into one object, completely or not at all.

    Raises:
        BusyError: no slot became free in time.
        TooSlowError: the client sent less than a part in `PART_SECONDS`.
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
            # The next part is read while this one is being sent.
            await parts.read()
        if sending is not None:
            tags.append(await asyncio.shield(sending))
        await asyncio.to_thread(target.complete, upload, tags)
    except BaseException:
        if sending is not None:
            # A part that arrives after the upload was aborted would stay in the store for good.
            await asyncio.gather(sending, return_exceptions=True)
        await asyncio.shield(asyncio.to_thread(target.abort, upload))
        raise


class _Parts:
    """The parts of one upload, and the slots that they hold."""

    def __init__(self, chunks: AsyncIterator[bytes], slots: asyncio.Semaphore) -> None:
        self._chunks = chunks
        self._slots = slots
        self._held = 0
        self._rest = b""
        self.waiting = b""
        """The part that was read and not sent yet. Nothing else refers to it, so its memory is freed after sending."""
        self.ended = False

    async def read(self) -> None:
        """Read the next part into `waiting`; it stays empty after the end of the body."""
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
        # Bytes and not a bytearray, which the S3 client would copy.
        self.waiting = b"".join((*pieces, last[: len(last) - surplus]))

    def send(self, call: Callable[[bytes], T]) -> asyncio.Task[T]:
        """Send the waiting part in a thread, and free its slot afterwards."""
        part, self.waiting = self.waiting, b""
        return asyncio.create_task(self._send(call, part))

    async def _send(self, call: Callable[[bytes], T], part: bytes) -> T:
        try:
            return await asyncio.to_thread(call, part)
        finally:
            self._held -= 1
            self._slots.release()

    def release(self) -> None:
        """Free the slots of parts that were never sent."""
        for _ in range(self._held):
            self._slots.release()
        self._held = 0
