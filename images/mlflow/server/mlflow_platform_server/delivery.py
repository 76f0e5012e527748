"""Delivery of answers: ASGI layer that sends an answer as fast as the client reads it, within bounds.

The unread rest of an answer stays in the server's memory. So this layer passes it to the web server in pieces, each
once the socket has taken the previous one, and it disconnects a client that reads nothing for `idleSeconds`. For an
answer larger than one piece it leases memory from the share of uploads and downloads (`transfers.py`), for the caller
and the team.

When the answer begins, the application is done: the memory of the request's body is released, and so is the slot of the
request, if there is memory for the answer. Otherwise the answer keeps the slot, because slots bound memory that is not
leased, and the client has to read the whole answer within `idleSeconds`.

Downloads have their own bounds (`outflow.py`). Here they are only cut into pieces, each with its own `idleSeconds`.
"""

import asyncio
import math
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import Context, ContextVar
from typing import Any, Protocol, cast

from mlflow_platform_server import transfers
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.shares import BusyError, Lease, Shares

# Bytes that the web server gets at a time, and keeps if the client does not take them.
PIECE_BYTES = transfers.SMALL_BYTES
# Bytes of a socket's buffer, which Linux doubles. By itself it lets the buffer of a local connection grow to 2.5 MiB,
# in memory that counts for the container.
SOCKET_BYTES = 64 * transfers.KIB

_CURRENT: ContextVar["Answer | None"] = ContextVar("mlflow_platform_answer", default=None)


class Connection(Protocol):
    """The connection to a client, such as `asyncio.Transport`."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the number of bytes beyond which the sender has to wait."""
        ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Something about the connection, such as its socket."""
        ...

    def abort(self) -> None:
        """Close the connection and drop what was not sent."""
        ...


def of_uvicorn(send: Send) -> Connection:
    """The connection behind uvicorn's `send`, which is a method of the request's cycle."""
    return cast("Any", send).__self__.transport


class Delivery:
    """ASGI middleware that bounds the time and memory of all answers."""

    def __init__(
        self, app: App, *, seconds: float, memory: Shares, connection: Callable[[Send], Connection] = of_uvicorn
    ) -> None:
        """`seconds` is the longest time for which a client may read nothing."""
        self._app = app
        self._seconds = seconds
        self._memory = memory
        self._connection = connection

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = self._connection(send)
        # The sender waits until the socket has everything.
        connection.set_write_buffer_limits(0)
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        answer = Answer(send, connection, self._seconds, self._memory)
        token = _CURRENT.set(answer)
        try:
            await self._app(scope, receive, answer.deliver)
        finally:
            _CURRENT.reset(token)
            if answer.is_incomplete():
                # The web server would keep the rest until the client takes it. Then it learns that nobody will.
                connection.abort()
                await asyncio.sleep(0)


class Answer:
    """The answer to one request.

    After the client was disconnected, the application runs to its end, as if the client had left by itself. Cancelling
    the application would keep the answer in memory, in the frames of the tracebacks, until the next garbage collection.
    """

    def __init__(self, send: Send, connection: Connection, seconds: float, memory: Shares) -> None:
        self._send = send
        self._connection = connection
        self._seconds = seconds
        self._memory = memory
        self._deadline: asyncio.Timeout | None = None
        self.begun = _Acts()
        self.counted = _Acts()
        self.bounds_itself = False
        self._gone = False
        self._open = False

    def is_incomplete(self) -> bool:
        """True if a part of the answer was sent, and not the last one."""
        return self._open

    async def deliver(self, message: Message) -> None:
        """Send a part of the answer, as fast as the client reads it."""
        if self._gone:
            return
        with ExitStack() as held:
            leases, until = list[Lease](), math.inf
            if message["type"] == "http.response.body" and not self.bounds_itself:
                self.begun.run()
                size = len(message.get("body", b""))
                if size <= PIECE_BYTES or await self._lease(size, leases, held):
                    self.counted.run()
                else:
                    until = asyncio.get_running_loop().time() + self._seconds
            self._open = True
            for piece in pieces(message):
                await self._pass_on(piece, until)
                for lease in leases:
                    lease.progress()
            self._open = message["type"] != "http.response.body" or message.get("more_body", False)

    async def _pass_on(self, piece: Message, until: float) -> None:
        if self._gone:
            return
        # A layer between may keep a part of the answer after its sender has ended.
        seconds = transfers.PART_SECONDS if self.bounds_itself else self._seconds
        end = min(asyncio.get_running_loop().time() + seconds, until)
        try:
            async with asyncio.timeout_at(end) as self._deadline:
                await self._send(piece)
        except TimeoutError:
            self.cut()
        finally:
            self._deadline = None

    async def _lease(self, size: int, leases: list[Lease], held: ExitStack) -> bool:
        """Lease memory without waiting for it; False if there is too little."""
        party, left = transfers.party(), -(-size // transfers.UNIT_BYTES)
        with ExitStack() as taken:
            while left > 0:
                # All at once or nothing, so no answer waits for what another one holds.
                units = min(left, self._memory.terms.whole or left)
                try:
                    lease = taken.enter_context(await self._memory.take(party, units, seconds=0))
                except BusyError:
                    leases.clear()
                    return False
                leases.append(lease)
                left -= units
            for lease in leases:
                lease.revocable(self.cut)
            held.push(taken.pop_all())
        return True

    def cut(self) -> None:
        """Disconnect the client, because its time is over or others wait for the memory."""
        self._gone = True
        self._connection.abort()
        if self._deadline is not None:
            transfers.end(self._deadline)


class _Acts:
    """Functions that are called once, after an event."""

    def __init__(self) -> None:
        self._acts = list[Callable[[], None]]()
        self._happened = False

    def add(self, act: Callable[[], None]) -> None:
        if self._happened:
            act()
        else:
            self._acts.append(act)

    def run(self) -> None:
        self._happened = True
        acts, self._acts = self._acts, []
        for act in acts:
            act()


def when_begun(act: Callable[[], None]) -> None:
    """Call `act` when the answer to the running request begins: the application has done its work."""
    if answer := _CURRENT.get():
        answer.begun.add(act)


def when_counted(act: Callable[[], None]) -> None:
    """Call `act` when the answer to the running request begins, and there is memory for it."""
    if answer := _CURRENT.get():
        answer.counted.add(act)


def bounds_itself() -> Callable[[], None]:
    """Let the sender of the running request's answer bound time and memory; returns what disconnects the client.

    An error of the sender would not disconnect it, because a layer in between may wait until the client reads a part.
    """
    answer = _CURRENT.get()
    if answer is None:
        return _nothing
    answer.bounds_itself = True
    answer.begun.run()
    answer.counted.run()
    return answer.cut


def _nothing() -> None:
    pass


def carry(context: Context) -> None:
    """Copy the running request's answer into the context in which the request continues."""
    context.run(_CURRENT.set, _CURRENT.get())


def pieces(message: Message) -> Iterator[Message]:
    """Cut a part of an answer into pieces.

    An answer of several pieces ends with an empty one, which is sent once the socket has taken all others.
    """
    body = message.get("body", b"")
    if len(body) <= PIECE_BYTES:
        yield message
        return
    for begin in range(0, len(body), PIECE_BYTES):
        yield {"type": message["type"], "body": body[begin : begin + PIECE_BYTES], "more_body": True}
    if not message.get("more_body", False):
        yield {"type": message["type"], "body": b"", "more_body": False}
