"""Uploads of any size in bounded memory: S3 multipart uploads, or the pieces of a file.

An upload takes memory as its bytes arrive. An upload that has sent next to nothing holds nothing that others need; one
with a slow client holds only the bytes that have arrived. While a part is sent to the store, the next one is read only
if there is memory for it. S3 shows an object only when all of it has arrived: an upload that fails is aborted, and the
parts sent so far are deleted.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from mlflow_platform_server import transfers
from mlflow_platform_server.shares import BusyError, Lease, Party
from mlflow_platform_server.transfers import Transfers

# Pieces smaller than this are joined as they arrive: a byte that is an object of its own needs 50 times its memory.
JOINED_BYTES = 16 * transfers.KIB
# First memory of a part beyond `SMALL_BYTES`; it doubles up to a whole part.
FIRST_BYTES = 256 * transfers.KIB
# Bytes that are written to a file at once.
PIECE_BYTES = transfers.MIB

T = TypeVar("T")


class TooSlowError(Exception):
    """The client sent less than a part in `PART_SECONDS`."""


class GaveWayError(TooSlowError):
    """The upload held more than its share without progress, while others waited."""


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


async def store(chunks: AsyncIterator[bytes], target: Target, shared: Transfers, party: Party) -> None:
    """Write `chunks` into one object, completely or not at all.

    Raises:
        BusyError: there was no place, memory or thread in time.
        TooSlowError: the client was too slow.
    """
    with await shared.places.take(party, seconds=shared.queue_seconds) as place:
        parts = Parts(chunks, shared, place, size=transfers.PART_BYTES)
        try:
            await parts.read()
            if parts.ended:
                await parts.send(target.put)
            else:
                await _store_in_parts(parts, target)
        finally:
            parts.drop()


async def write(chunks: AsyncIterator[bytes], file: Callable[[bytes], object], shared: Transfers, place: Lease) -> None:
    """Pass `chunks` to a function that writes a file, in pieces of `PIECE_BYTES`.

    Raises:
        BusyError: there was no memory or thread in time.
        TooSlowError: the client was too slow.
    """
    parts = Parts(chunks, shared, place, size=PIECE_BYTES)
    try:
        while not parts.ended:
            await parts.read()
            await parts.send(file)
    finally:
        parts.drop()


async def _store_in_parts(parts: "Parts", target: Target) -> None:
    upload = await parts.call(target.begin)
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
        await parts.call(target.complete, upload, tags)
    except BaseException:
        parts.drop()
        if sending is not None:
            # A part that arrives after the upload was aborted would stay in the store for good.
            await asyncio.gather(sending, return_exceptions=True)
        with suppress(BusyError):
            await asyncio.shield(parts.call(target.abort, upload))
        raise


class Parts:
    """The parts of one upload, and the memory that they hold."""

    def __init__(self, chunks: AsyncIterator[bytes], shared: Transfers, place: Lease, *, size: int) -> None:
        """`size` is the length of a part in bytes; only the last one is shorter."""
        self._chunks = chunks
        self._shared = shared
        self._place = place
        self._size = size
        self._begun = False
        self._waited = 0.0
        self._rest = b""
        self._lease: Lease | None = None
        self.waiting = b""
        """The part that was read and not sent yet. Nothing else refers to it, so its memory is freed after sending."""
        self.ended = False

    async def read(self) -> None:
        """Read the next part into `waiting`; it stays empty after the end of the body.

        Raises:
            BusyError: there was no memory in time.
            TooSlowError: the client was too slow.
        """
        if self.ended:
            return
        lease = self._lease = self._shared.memory.lease(self._place.party)
        try:
            async with asyncio.timeout(transfers.PART_SECONDS) as deadline:
                buffer = await self._fill(lease, deadline)
        except TimeoutError as error:
            self.drop()
            raise (GaveWayError if lease.asked_back or self._place.asked_back else TooSlowError) from error
        except BaseException:
            self.drop()
            raise
        for held in (lease, self._place):
            held.revocable(None)
        self.waiting, self._rest = buffer.part(self._size)

    async def _fill(self, lease: Lease, deadline: asyncio.Timeout) -> "_Buffer":
        self._place.progress()
        for held in (lease, self._place):
            held.revocable(partial(transfers.end, deadline))
        buffer = _Buffer(self._rest)
        noted = 0
        while buffer.length < self._size and not self.ended:
            await self._grow(lease, buffer.length, deadline)
            piece = await anext(self._chunks, None)
            self.ended = piece is None
            buffer.add(piece or b"")
            if buffer.length - noted >= self._shared.pace:
                noted = buffer.length
                lease.progress()
                self._place.progress()
        return buffer

    async def _grow(self, lease: Lease, length: int, deadline: asyncio.Timeout) -> None:
        """Take memory for all bytes that have arrived, and for some more, before further ones are read.

        The next piece needs no lease: the web server's layers hold it in `SMALL_BYTES` until it is complete.
        """
        has = lease.units * transfers.UNIT_BYTES or transfers.SMALL_BYTES
        if length < has or has >= self._size:
            return
        target = max(FIRST_BYTES, 2 * has)
        while target < length:
            target *= 2
        wanted = min(self._size, target) // transfers.UNIT_BYTES - lease.units
        loop = asyncio.get_running_loop()
        start = loop.time()
        # Meanwhile the client is not read from, so it cannot be blamed.
        lease.revocable(None)
        seconds = transfers.WAIT_SECONDS if self._begun else self._shared.queue_seconds
        lease.waited = self._waited
        await lease.grow(wanted, seconds=seconds)
        self._begun = True
        self._waited += loop.time() - start
        lease.revocable(partial(transfers.end, deadline))
        if not self._place.asked_back:
            transfers.extend(deadline, loop.time() - start)

    def send(self, call: Callable[[bytes], T]) -> asyncio.Task[T]:
        """Send the waiting part in a thread, and free its memory afterwards."""
        part, self.waiting = self.waiting, b""
        lease, self._lease = self._lease, None
        return asyncio.create_task(self._send(call, part, lease))

    async def _send(self, call: Callable[[bytes], T], part: bytes, lease: Lease | None) -> T:
        try:
            return await self.call(call, part)
        finally:
            if lease is not None:
                lease.release()

    async def call(self, call: Callable[..., T], *args: object) -> T:
        """Call the store in a thread."""
        return await self._shared.calls.run(self._place.party, transfers.WAIT_SECONDS, call, *args)

    def drop(self) -> None:
        """Free the memory of a part that will not be sent."""
        self.waiting = self._rest = b""
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.revocable(None)
            lease.release()


class _Buffer:
    """Bytes as they arrive, in pieces that are not too small."""

    def __init__(self, rest: bytes) -> None:
        self.length = len(rest)
        self._pieces = [rest]
        self._joined = bytearray()

    def add(self, piece: bytes) -> None:
        self.length += len(piece)
        if len(piece) < JOINED_BYTES:
            self._joined += piece
        if len(piece) >= JOINED_BYTES or len(self._joined) >= JOINED_BYTES:
            self._flush()
        if len(piece) >= JOINED_BYTES:
            self._pieces.append(piece)

    def _flush(self) -> None:
        if self._joined:
            self._pieces.append(bytes(self._joined))
            self._joined.clear()

    def part(self, size: int) -> tuple[bytes, bytes]:
        """The first `size` bytes, and the rest."""
        self._flush()
        surplus = max(0, self.length - size)
        last = self._pieces.pop()
        rest = last[len(last) - surplus :]
        # Bytes and not a bytearray, which the S3 client would copy.
        return b"".join((*self._pieces, last[: len(last) - surplus])), rest
