"""Memory of uploads whose clients stop: received bytes are counted, whichever layer holds them."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import pytest
import virtual_time
from asgi import Client
from mlflow_platform_server import transfers
from mlflow_platform_server.asgi import Message, Receive
from mlflow_platform_server.bodies import PIECE_BYTES, in_larger_pieces
from mlflow_platform_server.shares import Party
from mlflow_platform_server.transfers import KIB, MIB, SMALL_BYTES, Transfers
from mlflow_platform_server.uploads import FIRST_BYTES, Parts

SOMEONE = Party(team="team-a", caller="someone")


def shared(memory: int = 128 * MIB) -> Transfers:
    return transfers.shared(places=256, memory=memory, team_percent=50, queue_seconds=10, idle_seconds=20)


async def chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        yield (await receive())["body"]


def counted(shared: Transfers) -> int:
    return (shared.memory.terms.capacity - shared.memory.free) * transfers.UNIT_BYTES


def arrived(client: Client) -> int:
    return sum(map(len, client.pieces[: client.sent]))


@pytest.mark.parametrize("of", [1000, 16 * KIB, 64 * KIB, 100 * KIB, 320 * KIB])
@pytest.mark.parametrize("stops", [1000, 64 * KIB - 1, 64 * KIB, 256 * KIB, MIB - 1, 2 * MIB - 1, 5 * MIB, 8 * MIB - 1])
def test_what_a_stopped_upload_has_sent_is_counted_but_for_one_small_piece(stops: int, of: int) -> None:
    async def run() -> None:
        uploads = shared()
        client = Client([bytes(min(of, stops - start)) for start in range(0, stops, of)], ends=False)
        with await uploads.places.take(SOMEONE, seconds=1) as place:
            body = chunks(in_larger_pieces(client.receive, size=PIECE_BYTES))
            reading = asyncio.create_task(Parts(body, uploads, place, size=transfers.PART_BYTES).read())
            await asyncio.sleep(1)
            assert arrived(client) == stops
            assert stops <= counted(uploads) + SMALL_BYTES
            assert counted(uploads) <= max(0 if stops < SMALL_BYTES else FIRST_BYTES, 2 * stops)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert counted(uploads) == 0

    virtual_time.run(run())


def test_stopped_uploads_hold_no_more_than_there_is_and_one_small_piece_each() -> None:
    """Those that find no memory stop reading, whatever their clients send."""

    async def run() -> None:
        uploads = shared(memory=48 * MIB)
        clients = [Client([bytes(64 * KIB)] * 40, ends=False) for _ in range(224)]

        async def upload(client: Client) -> None:
            body = chunks(in_larger_pieces(client.receive, size=PIECE_BYTES))
            with await uploads.places.take(SOMEONE, seconds=1) as place:
                await Parts(body, uploads, place, size=transfers.PART_BYTES).read()

        reading = [asyncio.create_task(upload(client)) for client in clients]
        await asyncio.sleep(5)
        sent = sum(map(arrived, clients))
        assert sent <= counted(uploads) + len(clients) * SMALL_BYTES <= 48 * MIB
        # All but the part of it that is for other teams.
        assert sent > 24 * MIB
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        assert counted(uploads) == 0

    virtual_time.run(run())


def test_a_piece_that_arrives_in_pairs_of_bytes_takes_no_more_memory_than_one_that_arrives_whole() -> None:
    async def run() -> int:
        left, silent = PIECE_BYTES - 1, asyncio.Event()

        async def receive() -> Message:
            nonlocal left
            if not left:
                silent.set()
                await asyncio.get_running_loop().create_future()
            left -= 1
            # An object of its own, which a single byte would not be.
            return {"type": "http.request", "body": b"%d" % (10 + left % 90), "more_body": True}

        joined = in_larger_pieces(receive, size=2 * PIECE_BYTES)
        tracemalloc.start()
        waiting = asyncio.create_task(joined())  # type: ignore[arg-type]
        await silent.wait()
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        waiting.cancel()
        return taken

    assert asyncio.run(run()) < 4 * PIECE_BYTES
