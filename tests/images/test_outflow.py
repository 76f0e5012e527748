"""Downloads to clients that read, read slowly, or do not read."""

import asyncio
from contextlib import aclosing
from functools import partial

import pytest
import virtual_time
from mlflow_platform_server import outflow, transfers
from mlflow_platform_server.asgi import Message
from mlflow_platform_server.shares import Party
from mlflow_platform_server.transfers import MIB, Transfers

SOMEONE = Party(team="team-a", caller="someone")
ANOTHER = Party(team="team-b", caller="another")
SIZE = 20 * MIB + 5


class Body:
    """A range of an object in which each byte depends on its position."""

    open = 0

    def __init__(self, start: int, stop: int) -> None:
        self._left = range(start, stop)
        self._closed = False
        Body.open += 1

    def read(self, size: int, /) -> bytes:
        """Read the next bytes."""
        assert not self._closed
        piece, self._left = self._left[:size], self._left[size:]
        return content(piece.start, piece.stop)

    def close(self) -> None:
        """Close the body; may be called several times."""
        if not self._closed:
            self._closed = True
            Body.open -= 1


def content(start: int, stop: int) -> bytes:
    turn = bytes(range(251))
    return (turn * ((stop - start) // 251 + 2))[start % 251 :][: stop - start]


def room() -> Transfers:
    return transfers.shared(places=32, memory=40 * MIB, team_percent=50, queue_seconds=10, idle_seconds=20)


async def download(shared: Transfers, party: Party, got: list[bytes], *, pause: float) -> None:
    """Read a whole object; the client takes `pause` seconds for each message."""

    async def send(message: Message) -> None:
        await asyncio.sleep(pause)
        got.append(message["body"])

    with (
        await shared.places.take(party, seconds=1) as place,
        await shared.memory.take(party, outflow.units(SIZE), seconds=10) as memory,
    ):
        flow = outflow.Outflow(shared, place, memory, lambda: None)
        paced = flow.paced(send)
        async with aclosing(flow.pieces(Body, 0, SIZE)) as pieces:
            async for piece in pieces:
                await paced({"type": "http.response.body", "body": piece, "more_body": True})


@pytest.mark.parametrize("pause", [0, 1, 100])
def test_a_client_gets_every_byte_however_slowly_it_reads(pause: float) -> None:
    got = list[bytes]()
    virtual_time.run(download(room(), SOMEONE, got, pause=pause))
    assert b"".join(got) == content(0, SIZE)
    assert Body.open == 0


def test_a_client_that_does_not_read_loses_its_connection_to_the_store_and_then_its_download() -> None:
    async def run() -> None:
        shared = room()
        reading = asyncio.create_task(download(shared, SOMEONE, [], pause=10_000))
        await asyncio.sleep(1)
        assert Body.open == 1
        await asyncio.sleep(outflow.STALL_SECONDS)
        assert Body.open == 0
        assert shared.calls.shares.free == shared.calls.shares.terms.capacity
        with pytest.raises(outflow.StalledError):
            await reading
        assert asyncio.get_running_loop().time() == pytest.approx(transfers.PART_SECONDS, abs=1)

    virtual_time.run(run())


def test_downloads_that_nobody_reads_do_not_keep_the_memory_from_another_team() -> None:
    async def run() -> None:
        shared = room()
        begin = partial(download, shared, SOMEONE, [], pause=10_000)
        unread = [asyncio.create_task(begin()) for _ in range(30)]
        await asyncio.sleep(30)
        got = list[bytes]()
        start = asyncio.get_running_loop().time()
        await asyncio.gather(*(download(shared, ANOTHER, got, pause=0) for _ in range(3)))
        assert sum(map(len, got)) == 3 * SIZE
        assert asyncio.get_running_loop().time() - start < shared.queue_seconds
        for task in unread:
            task.cancel()
        await asyncio.gather(*unread, return_exceptions=True)

    virtual_time.run(run())
