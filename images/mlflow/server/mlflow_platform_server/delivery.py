"""Delivery of answers: ASGI layer that passes an answer on as fast as the client takes it, within bounds.

What a client does not take is in the server's memory. The web server gets an answer in pieces, each when the socket has
the one before. A client that takes nothing for `idleSeconds` is cut off. What is larger than a piece leases its memory
from that of uploads and downloads (`transfers.py`), for its caller and team.

The application's part ends when its answer begins: the memory of the request's body is given back then, and its slot,
if there is memory for the answer. Without, the answer keeps the slot, so that slots bound what nothing else counts, and
has to be taken within `idleSeconds` as a whole.

A download has bounds of its own (`outflow.py`); it is only cut into pieces, each with the time of a part.
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
        """A client may take nothing for so many `seconds`."""
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

    When the client has been cut off, the application goes on to its end, as if the client had gone. To cancel it would
    leave the answer in memory, in the frames of the errors, until garbage is collected.
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
        """Pass a part of the answer on, as the client takes it."""
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
        """Lease memory without waiting for any; false if there is too little."""
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
        """Cut the client off: its time is over, or others wait for the memory."""
        self._gone = True
        self._connection.abort()
        if self._deadline is not None:
            transfers.end(self._deadline)


class _Acts:
    """Functions to call once, when something has happened."""

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
    """Leave time and memory of the answer to the running request to its sender; returns what cuts the client off.

    An error in the sender does not: a layer between may wait for the client to take a part.
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
    """Let a request go on in a context that knows its answer."""
    context.run(_CURRENT.set, _CURRENT.get())


def pieces(message: Message) -> Iterator[Message]:
    """Cut a part of an answer into pieces.

    An answer of several pieces ends with an empty one, which can be sent when the socket has all others.
    """
    body = message.get("body", b"")
    if len(body) <= PIECE_BYTES:
        yield message
        return
    for begin in range(0, len(body), PIECE_BYTES):
        yield {"type": message["type"], "body": body[begin : begin + PIECE_BYTES], "more_body": True}
    if not message.get("more_body", False):
        yield {"type": message["type"], "body": b"", "more_body": False}
