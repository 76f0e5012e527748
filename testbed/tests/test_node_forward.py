"""The door's way with connections, between sockets of this machine's loopback."""

import asyncio
import hashlib
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from testbed.node.forward import Way, serve

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MEBIBYTE = 2**20
# Far more than the kernel's buffers on the way can hold.
LARGE = 64 * MEBIBYTE


@asynccontextmanager
async def door(port: int) -> AsyncGenerator[int]:
    """Open a door to a port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0)
    task = asyncio.create_task(serve(listener, "127.0.0.1", port))
    try:
        yield listener.getsockname()[1]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        listener.close()


@asynccontextmanager
async def door_to(handler: Handler) -> AsyncGenerator[int]:
    """Open a door to a server that treats each connection with `handler`."""
    async with (
        await asyncio.start_server(handler, "127.0.0.1", 0) as server,
        door(server.sockets[0].getsockname()[1]) as port,
    ):
        yield port


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(MEBIBYTE):
        writer.write(chunk)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(hashlib.sha256(await reader.read()).hexdigest().encode())
    writer.close()
    await writer.wait_closed()


async def exchange(port: int, payload: bytes) -> bytes:
    """Send everything, say that this was all, and read until the other side says so too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(payload)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def abort(connection: socket.socket) -> None:
    """Break a connection off without a farewell, as a killed client does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_what_goes_in_comes_out() -> None:
    async def run() -> bytes:
        async with door_to(echo) as port:
            return await exchange(port, b"hello")

    assert asyncio.run(run()) == b"hello"


def test_an_answer_still_arrives_after_the_client_has_said_its_last_word() -> None:
    payload = bytes(range(256)) * (8 * MEBIBYTE // 256)

    async def run() -> bytes:
        async with door_to(answer_at_the_end) as port:
            return await exchange(port, payload)

    assert asyncio.run(run()).decode() == hashlib.sha256(payload).hexdigest()


def test_many_connections_are_carried_side_by_side() -> None:
    payloads = [bytes([number]) * MEBIBYTE for number in range(32)]

    async def run() -> list[bytes]:
        async with door_to(echo) as port:
            return await asyncio.gather(*(exchange(port, payload) for payload in payloads))

    assert asyncio.run(run()) == payloads


def test_a_client_that_breaks_off_ends_its_own_connection_only() -> None:
    async def run() -> bytes:
        ended = asyncio.Event()

        async def until_it_ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await reader.readexactly(1) == b"x":
                await asyncio.gather(reader.read(), return_exceptions=True)
                ended.set()
            else:
                await answer_at_the_end(reader, writer)
            writer.close()

        async with door_to(until_it_ends) as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(b"x")
            abort(client)
            await ended.wait()
            return await exchange(port, b"yz")

    assert asyncio.run(run()).decode() == hashlib.sha256(b"z").hexdigest()


def test_a_sender_waits_for_a_reader_that_does_not_read() -> None:
    """Or the door would have to hold what is between them, however large."""

    async def run() -> int:
        release = asyncio.Event()

        async def never_reads(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await release.wait()
            writer.close()

        async with door_to(never_reads) as port:
            with closing(socket.create_connection(("127.0.0.1", port))) as client:
                client.settimeout(0)
                sent = 0
                # Until nothing moves any more: a full second of the event loop without room for a byte.
                idle = 0
                while idle < 100 and sent < LARGE:
                    try:
                        sent += client.send(bytes(MEBIBYTE))
                        idle = 0
                    except BlockingIOError:
                        idle += 1
                        await asyncio.sleep(0.01)
            release.set()
            return sent

    assert asyncio.run(run()) < LARGE


def test_a_client_is_let_go_when_the_target_cannot_be_reached() -> None:
    async def run() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            unused = taken.getsockname()[1]
        async with door(unused) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(run()) == b""


def test_a_way_is_read_from_a_descriptor_and_a_target() -> None:
    assert Way.parse("5=10.89.0.2:6443") == Way(descriptor=5, host="10.89.0.2", port=6443)
