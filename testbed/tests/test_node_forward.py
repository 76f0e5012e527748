"""The port forwarding program, between sockets on the machine's loopback address."""

import asyncio
import hashlib
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from testbed.node.forward import Route, serve

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MEBIBYTE = 2**20
# Far more than the kernel's buffers on the way can hold.
LARGE = 64 * MEBIBYTE


@asynccontextmanager
async def forwarding(port: int) -> AsyncGenerator[int]:
    """Forward a free port to another port of this machine."""
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
    """Forward to a server that handles each connection with `handler`."""
    async with (
        await asyncio.start_server(handler, "127.0.0.1", 0) as server,
        forwarding(server.sockets[0].getsockname()[1]) as port,
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
    """Send everything, close for writing, and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(payload)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def abort(connection: socket.socket) -> None:
    """Reset a connection, as a killed client does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_what_goes_in_comes_out() -> None:
    async def run() -> bytes:
        async with door_to(echo) as port:
            return await exchange(port, b"hello")

    assert asyncio.run(run()) == b"hello"


def test_an_answer_still_arrives_after_the_client_has_closed_for_writing() -> None:
    payload = bytes(range(256)) * (8 * MEBIBYTE // 256)

    async def run() -> bytes:
        async with door_to(answer_at_the_end) as port:
            return await exchange(port, payload)

    assert asyncio.run(run()).decode() == hashlib.sha256(payload).hexdigest()


def test_many_connections_are_carried_at_the_same_time() -> None:
    payloads = [bytes([number]) * MEBIBYTE for number in range(32)]

    async def run() -> list[bytes]:
        async with door_to(echo) as port:
            return await asyncio.gather(*(exchange(port, payload) for payload in payloads))

    assert asyncio.run(run()) == payloads


def test_a_client_that_resets_its_connection_affects_no_other() -> None:
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


def test_a_sender_waits_while_the_reader_does_not_read() -> None:
    """Otherwise the program would have to buffer everything in between."""

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


def test_a_client_is_disconnected_if_the_target_cannot_be_reached() -> None:
    async def run() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            unused = taken.getsockname()[1]
        async with forwarding(unused) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(run()) == b""


def test_a_route_is_parsed_from_a_descriptor_and_a_target() -> None:
    assert Route.parse("5=10.89.0.2:6443") == Route(descriptor=5, host="10.89.0.2", port=6443)
