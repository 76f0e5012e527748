"""Decompression of request bodies piece by piece, so that a body that grows too large is noticed in time.

MLflow decompresses the bodies of one route only, without any limit. This module does it for every route, and the layers
behind see plain bodies only.
"""

import zlib
from collections.abc import Iterable, Iterator
from http import HTTPStatus

from mlflow_platform_server.refusals import BoundError, MalformedError

PIECE_BYTES = 64 * 1024
# What HTTP calls deflate some clients send without zlib's frame: its two first bytes tell.
_FRAME_BYTES = 2
_DEFLATE_METHOD = 8
_NONE = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})


class UnknownEncodingError(BoundError):
    """An encoding, or several of them, that the server does not read."""

    def __init__(self, encodings: str) -> None:
        message = f"Content-Encoding {encodings} is not supported. Use one of gzip, deflate, identity."
        super().__init__(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)


class Plain:
    """A body without compression."""

    def pieces(self, received: bytes) -> Iterator[bytes]:
        """The content of a received piece."""
        yield received

    def end(self) -> None:
        """Do nothing: a plain body has no end mark."""


class Compressed:
    """A compressed body."""

    def __init__(self, *, gzip: bool) -> None:
        """Without `gzip` the encoding is deflate."""
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16) if gzip else None
        self._beginning = b""

    def pieces(self, received: bytes) -> Iterator[bytes]:
        """The content of a received piece, in pieces of at most `PIECE_BYTES`.

        Raises:
            MalformedError: the body is not compressed in this format, or has several compressed parts.
        """
        if self._stream is None:
            self._beginning += received
            if len(self._beginning) < _FRAME_BYTES:
                return
            received, self._beginning = self._beginning, b""
            self._stream = zlib.decompressobj(_window(received))
        content, waiting = b"", received
        # zlib may hold back content after it has read all of its input.
        while waiting or (content and not self._stream.eof):
            # gzip may have several parts. Exporters send one, and a body of empty ones takes long to decompress.
            if self._stream.eof:
                raise _corrupt()
            try:
                content = self._stream.decompress(waiting, PIECE_BYTES)
            except zlib.error as error:
                raise _corrupt() from error
            waiting = self._stream.unconsumed_tail or self._stream.unused_data
            yield content

    def end(self) -> None:
        """Check that the compressed part is complete.

        Raises:
            MalformedError: the compressed part is incomplete.
        """
        if self._stream is None or not self._stream.eof:
            raise _corrupt()


def decoder(headers: Iterable[tuple[bytes, bytes]]) -> Plain | Compressed:
    """The decoder for a request with these headers.

    Raises:
        UnknownEncodingError: the body has an unsupported encoding, or several encodings.
    """
    values = [value.decode("latin-1").lower() for name, value in headers if name == b"content-encoding"]
    encodings = [encoding for value in values for part in value.split(",") if (encoding := part.strip()) not in _NONE]
    if not encodings:
        return Plain()
    if len(encodings) > 1 or encodings[0] not in _GZIP | {"deflate"}:
        raise UnknownEncodingError(", ".join(encodings)[:100])
    return Compressed(gzip=encodings[0] in _GZIP)


def _window(beginning: bytes) -> int:
    """The format of a deflated body, as zlib calls it."""
    framed = beginning[0] & 0x0F == _DEFLATE_METHOD and int.from_bytes(beginning[:_FRAME_BYTES]) % 31 == 0
    return zlib.MAX_WBITS if framed else -zlib.MAX_WBITS


def _corrupt() -> MalformedError:
    return MalformedError("The body cannot be decompressed: it is not in the encoding that Content-Encoding names.")
