"""How much of a request the server takes into memory: all of it, up to a limit, before anything else sees it.

MLflow's own way to its handlers reads a body whole without any limit, and takes a body that the client has cut short
for a finished one. Uploads of artifacts are not read here; they stream.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Ten times the largest batch of metrics and three times the largest file that MLflow takes outside the artifact
# routes (10 MB, upload-artifact); a batch of traces with pictures in it still fits.
LIMIT_BYTES = 32 * 1024 * 1024


class TooLargeError(Exception):
    """The body is larger than the limit."""


class CutShortError(Exception):
    """The client went away before it had sent all of the body."""


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request announces a body; HTTP/1.1 knows no other way of having one."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0") for name, value in headers
    )


async def read_whole(headers: Iterable[tuple[bytes, bytes]], receive: Receive, *, limit: int = LIMIT_BYTES) -> bytes:
    """Read a body to its end.

    Raises:
        TooLargeError: it has more than `limit` bytes, or says so.
        CutShortError: the client went away before the end.
    """
    announced = dict(headers).get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > limit:
        raise TooLargeError
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise CutShortError
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise TooLargeError
    return bytes(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, and then whatever else there is to receive."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def in_larger_pieces(receive: Receive, *, size: int) -> Receive:
    """Join the pieces of a streamed body: each costs a dozen context switches on its way through MLflow's layers."""
    gone: list[Message] = []

    async def joined() -> Message:
        if gone:
            return gone[0]
        pieces, length, more = list[bytes](), 0, True
        while more and length < size:
            message = await receive()
            if message["type"] != "http.request":
                # What came before it is dropped as well: the body is not going to be whole.
                gone.append(message)
                return message
            pieces.append(message.get("body", b""))
            length += len(pieces[-1])
            more = message.get("more_body", False)
        return {"type": "http.request", "body": b"".join(pieces), "more_body": more}

    return joined
