"""Request bodies: read into memory whole, up to a limit, before MLflow sees the request.

MLflow reads bodies without any limit, and treats a body that the client cut short as complete. Uploads of artifacts
are not read here; they stream.
"""

import zlib
from collections.abc import Iterable

from mlflow_platform_server.asgi import Message, Receive

# Ten times the largest batch of metrics and three times the largest file that MLflow takes outside the artifact
# routes (10 MB, upload-artifact); a batch of traces with images still fits.
LIMIT_BYTES = 32 * 1024 * 1024


class TooLargeError(Exception):
    """The body is larger than the limit."""


class CutShortError(Exception):
    """The client disconnected before it had sent the whole body."""


class CorruptError(Exception):
    """The body is not compressed as its header says."""


# How zlib calls the formats. What HTTP calls deflate some clients send without zlib's frame.
_FORMATS = {"gzip": (zlib.MAX_WBITS | 16,), "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """True if the headers announce a body: HTTP/1.1 requires Transfer-Encoding or Content-Length for it."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0") for name, value in headers
    )


async def read_whole(headers: Iterable[tuple[bytes, bytes]], receive: Receive, *, limit: int = LIMIT_BYTES) -> bytes:
    """Read a body to its end.

    Raises:
        TooLargeError: it has more than `limit` bytes, or announces more.
        CutShortError: the client disconnected before the end.
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


def encodings(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """The values of the header Content-Encoding."""
    return [value.decode("latin-1").strip().lower() for name, value in headers if name == b"content-encoding"]


def decompressed(body: bytes, encoding: str, *, limit: int = LIMIT_BYTES) -> bytes:
    """The decompressed body; a body in an unknown encoding is returned unchanged.

    Raises:
        TooLargeError: it has more than `limit` bytes.
        CorruptError: the body is not compressed as `encoding` says, or has several compressed parts.
    """
    if encoding not in _FORMATS:
        return body
    for form in _FORMATS[encoding]:
        try:
            return _decompressed(body, form, limit)
        except zlib.error:
            continue
    raise CorruptError


def _decompressed(body: bytes, form: int, limit: int) -> bytes:
    stream = zlib.decompressobj(form)
    content = stream.decompress(body, limit + 1)
    if len(content) > limit:
        raise TooLargeError
    # gzip may have several parts. Exporters send one, and of 32 MiB of empty ones the last would wait for a minute.
    if not stream.eof or stream.unused_data:
        raise CorruptError
    return content


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields a body which was already read, and then all further messages of the client."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def in_larger_pieces(receive: Receive, *, size: int) -> Receive:
    """Return a `receive` that joins small pieces of a body: each piece costs MLflow a dozen context switches."""
    disconnect: list[Message] = []

    async def joined() -> Message:
        if disconnect:
            return disconnect[0]
        pieces, length, more = list[bytes](), 0, True
        while more and length < size:
            message = await receive()
            if message["type"] != "http.request":
                # The pieces so far are dropped too: the body will never be complete.
                disconnect.append(message)
                return message
            pieces.append(message.get("body", b""))
            length += len(pieces[-1])
            more = message.get("more_body", False)
        return {"type": "http.request", "body": b"".join(pieces), "more_body": more}

    return joined
