"""Request bodies: read into memory whole, within bounds, before MLflow sees the request.

MLflow reads bodies without any limit, and treats a body that the client cut short as complete. Here each body has
limits of its size, its decompressed size, its content and its time (`body_rules.py`, `decompression.py`,
`json_bounds.py`, `protobuf_bounds.py`, `graphql_bounds.py`), and all bodies of a worker together have a limit of memory
(`room.py`). A body's memory is held until the answer begins. Artifacts are not read here; they stream.

Callers were authorised before: the bodies of callers without rights in the workspace are not read.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from mlflow_platform_server import body_rules, decompression, graphql_bounds, json_traces, named_objects, refusals
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.body_rules import MEBIBYTE, Kind, Rule, has_body
from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.json_bounds import MARK_BYTES, JsonScan, marks
from mlflow_platform_server.off_loop import Threads
from mlflow_platform_server.protobuf_bounds import SPAN_BYTES, ProtobufScan, Schema
from mlflow_platform_server.refusals import BoundError, MalformedError, TooLargeError
from mlflow_platform_server.room import Hold, Room
from mlflow_platform_server.scope import facts

Headers = list[tuple[bytes, bytes]]
# Pieces of an artifact that are passed on: as much as an upload holds without its memory being counted
# (`transfers.SMALL_BYTES`).
PIECE_BYTES = 64 * 1024
# What is scanned in one go, between two pauses for other requests.
SCAN_BYTES = 64 * 1024
# Larger bodies are searched for names of objects in a thread; for smaller ones that would cost more than the search.
THREAD_BYTES = 16 * 1024
# No route takes one, and to parse it takes long.
FORM = "multipart/form-data"
_JSON = frozenset({Kind.JSON, Kind.JSON_TRACES, Kind.GRAPHQL})
# Replaced when a body was read. Without a length, Flask would not see the body.
_REPLACED = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class CutShortError(Exception):
    """The client disconnected before it had sent the whole body."""


class TooSlowError(BoundError):
    """A body, or a part of it, did not arrive in time."""

    def __init__(self, what: str, seconds: int, name: str) -> None:
        message = f"{what} did not arrive within {seconds} s ({refusals.setting(name)})."
        super().__init__(HTTPStatus.REQUEST_TIMEOUT, message)


class Bodies:
    """ASGI middleware that reads bodies within bounds."""

    def __init__(self, app: App, bounds: Bounds, traces: Schema, threads: Threads) -> None:
        """`traces` is the schema of a message of traces; large bodies are parsed in `threads`."""
        self._app = app
        self._threads = threads
        self._bounds = bounds
        self._traces = traces
        self._room = Room(
            bounds.bodies_mebibytes * MEBIBYTE, percent=bounds.team_percent, queue_seconds=bounds.queue_seconds
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Read the body of one request and pass the request on, or refuse it."""
        if scope["type"] != "http" or not has_body(scope["headers"]):
            await self._app(scope, receive, send)
            return
        rule = body_rules.rule(scope, self._bounds)
        if rule.content_type is not None:
            scope = {**scope, "headers": _with(scope["headers"], b"content-type", rule.content_type)}
        if rule.kind == Kind.STREAM:
            await self._app(scope, in_larger_pieces(receive, size=PIECE_BYTES), send)
            return
        try:
            await self._read(scope, receive, send, rule)
        except BoundError as error:
            # The memory of the body is free again.
            await refusals.answer(send, facts(scope), error)
        except CutShortError:
            return

    async def _read(self, scope: Message, receive: Receive, send: Send, rule: Rule) -> None:
        """Read a body, and pass the request on.

        Raises:
            BoundError: the body reaches a bound.
            CutShortError: the client disconnected before the end.
        """
        found = facts(scope)
        caller = found.caller.user if found.caller else ""
        # Without a workspace a caller stands alone, as a team of one.
        team = f"workspace {found.workspace}" if found.workspace else f"caller {caller}"
        reading = _Reading(
            scope=scope,
            receive=receive,
            rule=rule,
            bounds=self._bounds,
            room=self._room,
            traces=self._traces,
            threads=self._threads,
        )
        with self._room.hold(team, caller, reading.give_up) as hold:
            body = await reading.whole(hold)
            hold.arriving = False
            if rule.kind in _JSON:
                search = partial(named_objects.in_body, body)
                found.objects = search() if len(body) < THREAD_BYTES else await self._threads.run(search)
                del search
            headers = _with(scope["headers"], b"content-length", str(len(body)).encode(), without=_REPLACED)
            receive = replay(body, receive)
            # The memory is counted until the end of the request, but these names must not keep the body for so long.
            del body, reading
            await self._app({**scope, "headers": headers}, receive, send)


@dataclass(kw_only=True)
class _Reading:
    """The reading of one body."""

    scope: Message
    receive: Receive
    rule: Rule
    bounds: Bounds
    room: Room
    traces: Schema
    threads: Threads
    deadline: asyncio.Timeout | None = None
    is_given_up: bool = False

    def give_up(self) -> None:
        """Stop reading: the memory is needed for other bodies."""
        self.is_given_up = True
        if self.deadline is not None:
            self.deadline.reschedule(0)

    async def whole(self, hold: Hold) -> bytes:
        """The whole body, unpacked.

        Raises:
            BoundError: it reaches a bound.
            CutShortError: the client disconnected before the end.
        """
        self._check_headers()
        decoder = decompression.decoder(self.scope["headers"])
        body, scan = bytearray(), _Scan(self.rule, self.bounds)
        try:
            async with asyncio.timeout(self.bounds.body_seconds) as self.deadline:
                async for received in self._parts():
                    for piece in decoder.pieces(received):
                        await self.room.grow(hold, len(piece))
                        body += piece
                        if len(body) > self.rule.most_bytes:
                            raise self._too_large()
                        await self.room.grow(hold, await scan.of(body))
                decoder.end()
                await self.room.grow(hold, await scan.of(body, complete=True))
                content = bytes(body)
                body.clear()
                await self._judge(content, hold)
        except TimeoutError:
            if self.is_given_up:
                # Says so.
                await self.room.grow(hold, 0)
            raise TooSlowError("The request body", self.bounds.body_seconds, "body_seconds") from None
        return content

    async def _judge(self, content: bytes, hold: Hold) -> None:
        """Check a complete body."""
        if self.rule.kind == Kind.GRAPHQL:
            graphql_bounds.check(content, self.bounds)
        elif self.rule.kind == Kind.PROTOBUF:
            scan = ProtobufScan(self.traces, self.bounds)
            for _ in scan.steps(content):
                await asyncio.sleep(0)
            await self.room.grow(hold, scan.weight)
        elif self.rule.kind == Kind.JSON_TRACES:
            spans = await self.threads.run(partial(json_traces.check, content, self.bounds))
            await self.room.grow(hold, spans * SPAN_BYTES)

    def _check_headers(self) -> None:
        """Refuse a body that is too large or of an unsupported type according to the headers."""
        announced = dict(self.scope["headers"]).get(b"content-length", b"0").strip()
        if not announced.isdigit():
            message = "The header Content-Length is not a number."
            raise MalformedError(message)
        if int(announced) > self.rule.most_bytes:
            raise self._too_large()
        if self.rule.kind != Kind.FILE and body_rules.media_type(self.scope).lower() == FORM:
            message = f"No request takes a body of the type {FORM}. Send JSON."
            raise BoundError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)

    def _too_large(self) -> TooLargeError:
        return TooLargeError("The request body", self.rule.limit, self.rule.setting)

    async def _parts(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            try:
                async with asyncio.timeout(self.bounds.idle_seconds):
                    message = await self.receive()
            except TimeoutError:
                raise TooSlowError("The next part of the body", self.bounds.idle_seconds, "idle_seconds") from None
            if message["type"] != "http.request":
                raise CutShortError
            more = message.get("more_body", False)
            yield message.get("body", b"")


class _Scan:
    """The scan of a body while it arrives."""

    def __init__(self, rule: Rule, bounds: Bounds) -> None:
        self._bounds = bounds
        self._json = JsonScan(bounds) if rule.kind in _JSON else None
        # The texts in traces may be JSON, which MLflow parses.
        self._texts = rule.kind == Kind.PROTOBUF
        self._marks = 0
        self._scanned = 0
        self._weight = 0

    async def of(self, body: bytearray, *, complete: bool = False) -> int:
        """Scan the part that has arrived; returns the additional bytes of memory that its values take.

        Raises:
            BoundError: the body reaches a bound.
        """
        while len(body) - self._scanned >= SCAN_BYTES or (complete and len(body) > self._scanned):
            piece = bytes(body[self._scanned : self._scanned + SCAN_BYTES])
            self._scanned += len(piece)
            self._feed(piece)
            if len(piece) == SCAN_BYTES:
                await asyncio.sleep(0)
        weight = self._json.weight if self._json else self._marks * MARK_BYTES
        more, self._weight = weight - self._weight, weight
        return more

    def _feed(self, piece: bytes) -> None:
        if self._json is not None:
            self._json.feed(piece)
        elif self._texts:
            self._marks += marks(piece)
            if self._marks > self._bounds.text_elements:
                what, most = "The number of values in strings of the traces", str(self._bounds.text_elements)
                raise TooLargeError(what, most, "text_elements")


def _with(headers: Headers, name: bytes, value: bytes, without: frozenset[bytes] = frozenset()) -> Headers:
    """The headers with `value` as the only value of the header `name`."""
    return [(one, old) for one, old in headers if one != name and one not in without] + [(name, value)]


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields a body which was already read, and then all further messages of the client."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def in_larger_pieces(receive: Receive, *, size: int) -> Receive:
    """Return a `receive` that joins small pieces of a body: each piece costs MLflow a dozen context switches."""
    disconnect: list[Message] = []

    async def joined_pieces() -> Message:
        if disconnect:
            return disconnect[0]
        # Joined at once: a byte that is an object of its own needs 50 times its memory.
        joined, more = bytearray(), True
        while more and len(joined) < size:
            message = await receive()
            if message["type"] != "http.request":
                # The pieces so far are dropped too: the body will never be complete.
                disconnect.append(message)
                return message
            joined += message.get("body", b"")
            more = message.get("more_body", False)
        return {"type": "http.request", "body": bytes(joined), "more_body": more}

    return joined_pieces
