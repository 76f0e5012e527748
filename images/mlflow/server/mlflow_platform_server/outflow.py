"""The bytes of a download, from the store to the client, as fast as the client reads."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

from mlflow_platform_server import transfers
from mlflow_platform_server.asgi import Message, Send
from mlflow_platform_server.shares import Lease
from mlflow_platform_server.stored_objects import Body
from mlflow_platform_server.transfers import KIB, MIB, UNIT_BYTES, Transfers

# Bytes in memory of each download.
PIECE_BYTES = 1 * MIB
# Bytes requested from the store at a time. With a larger request some stores read far ahead of a slow client
# (SeaweedFS 4.48 up to 1.3 GiB, until it was OOM-killed), and most close a connection that idles for minutes.
FETCH_BYTES = 8 * MIB
# Bytes passed on at a time, for which the client has `PART_SECONDS`; the web server gets them in smaller pieces.
SENT_BYTES = 512 * KIB
# Time in seconds after which a client that does not read loses its connection to the store, not its download.
STALL_SECONDS = 2


class StalledError(Exception):
    """The client did not read `SENT_BYTES` in `PART_SECONDS`, or stalled while others waited for its memory."""


def units(length: int) -> int:
    """Units of memory for a download of `length` bytes; 0 if it is small."""
    return 0 if length <= transfers.SMALL_BYTES else -(-min(length, PIECE_BYTES) // UNIT_BYTES)


class Outflow:
    """One download: pieces from the store, and a bound on the time that the client takes for them."""

    def __init__(self, shared: Transfers, place: Lease, memory: Lease, cut: Callable[[], None]) -> None:
        """`cut` disconnects the client."""
        self._shared = shared
        self._cut = cut
        self._held = (place, memory)
        self._sent = 0

    async def pieces(self, fetch: Callable[[int, int], Body], start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` to `stop`, in pieces for the web server."""
        call = partial(self._shared.calls.run, self._held[0].party, transfers.WAIT_SECONDS)
        while start < stop:
            end = min(start + FETCH_BYTES, stop)
            with closing(_Connection(await call(fetch, start, end))) as connection:
                while start < end and not connection.closed:
                    piece = await call(connection.body.read, min(PIECE_BYTES, end - start))
                    if not piece:
                        message = f"The store sent {end - start} bytes too few."
                        raise StalledError(message)
                    start += len(piece)
                    with connection.closes_after(STALL_SECONDS):
                        for begin in range(0, len(piece), SENT_BYTES):
                            yield piece[begin : begin + SENT_BYTES]

    def paced(self, send: Send) -> Send:
        """Return a `send` that fails if the client does not read.

        The client has `PART_SECONDS` for each message of at most `SENT_BYTES`. While others wait for what the download
        holds, it may be ended sooner.
        """

        async def sent(message: Message) -> None:
            try:
                async with asyncio.timeout(transfers.PART_SECONDS) as deadline:
                    for lease in self._held:
                        lease.revocable(partial(transfers.end, deadline))
                    await send(message)
            except TimeoutError as error:
                self._cut()
                raise StalledError from error
            finally:
                for lease in self._held:
                    lease.revocable(None)
            self._sent += len(message.get("body", b""))
            if self._sent >= self._shared.pace:
                self._sent = 0
                for lease in self._held:
                    lease.progress()

        return sent


class _Connection:
    """A connection to the store that sends a range of bytes."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self.body.close()

    @contextmanager
    def closes_after(self, seconds: float) -> Iterator[None]:
        """Close it if a block takes longer."""
        timer = asyncio.get_running_loop().call_later(seconds, self.close)
        try:
            yield
        finally:
            timer.cancel()
