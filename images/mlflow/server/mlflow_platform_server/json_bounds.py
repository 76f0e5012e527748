"""Bounds of JSON bodies, checked before they are parsed: number of values, depth, and values hidden in texts.

A body is scanned in pieces of 64 KiB as it arrives, with functions that are written in C and take less than a few
milliseconds for a piece, because a long one would stop all other requests of the process. The scan need not detect
invalid JSON: a parser stops at the first error, and up to there scan and parser agree.
"""

from itertools import accumulate

from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.refusals import MalformedError, TooLargeError

# Memory that a value takes, and a character that may belong to a value, beside the body's bytes. Measured: `[]` and
# `{}` in a list take 64 to 72 bytes, a number 32. Parsed are two copies at a time.
ELEMENT_BYTES = 64
MARK_BYTES = 8

_OTHERS = bytes(set(range(256)) - set(b'[]{},"'))
_OPENING = b"[{"
_SPACE = b" \t\n\r"


class JsonScan:
    """The scan of one body."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._begun = False
        self._in_text = False
        self._backslash = b""
        self._depth = 0
        self._ended = False
        self.elements = 1
        """Number of values outside of texts; it may be one too high."""
        self.marks = 0
        """Number of characters that begin or separate values, in texts too: some routes parse texts as JSON a second
        time."""

    @property
    def weight(self) -> int:
        """Bytes of memory that the values take, in addition to the body itself."""
        return self.elements * ELEMENT_BYTES + self.marks * MARK_BYTES

    def feed(self, piece: bytes) -> None:
        """Scan the next piece; the first one has at least two bytes, unless it is the whole body.

        Raises:
            TooLargeError: the body has too many values, or is nested too deep.
            MalformedError: the body begins with anything else than an object or a list.
        """
        self._begin(piece)
        self.marks += marks(piece)
        if self.marks > self._bounds.text_elements:
            what = "The number of values in strings of the request body"
            raise _too_many(what, self._bounds.text_elements, "text_elements")
        if self._ended:
            return
        structure = self._structure(self._backslash + piece)
        brackets = structure.translate(None, b",")
        self.elements += len(structure) - brackets.count(b"]") - brackets.count(b"}")
        if self.elements > self._bounds.json_elements:
            raise _too_many("The number of values in the JSON body", self._bounds.json_elements, "json_elements")
        self._descend(brackets)

    def _begin(self, piece: bytes) -> None:
        """Refuse a body that does not begin with a bracket in UTF-8.

        A text would be parsed once more by MLflow, which then reads values that the authorization plugin has not seen.
        Python's parser also accepts a text after a byte order mark, and bodies in UTF-16 and UTF-32, in which a quote
        is several bytes: next to their first character is a zero byte.
        """
        if self._begun or not (content := piece.lstrip(_SPACE)):
            return
        self._begun = True
        if content[0] not in _OPENING or content[1:2] == b"\0":
            message = 'The body is no JSON object: it has to begin with "{", in UTF-8 without a byte order mark.'
            raise MalformedError(message)

    def _structure(self, piece: bytes) -> bytes:
        """The brackets and commas outside of texts."""
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        # The character that it escapes is in the next piece.
        self._backslash = b"\\" if backslashes % 2 else b""
        if backslashes % 2:
            piece = piece[:-1]
        if b"\\" in piece:
            piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
        # Two quotes beside each other change nothing: most texts are gone then.
        parts = piece.translate(None, _OTHERS).replace(b'""', b"").split(b'"')
        structure = b"".join(parts[int(self._in_text) :: 2])
        self._in_text ^= len(parts) % 2 == 0
        return structure

    def _descend(self, brackets: bytes) -> None:
        opened = sum(map(brackets.count, (b"[", b"{")))
        closed = len(brackets) - opened
        if self._depth + opened > self._bounds.json_depth:
            # At most as many steps as values are allowed.
            depths = accumulate((1 if bracket in _OPENING else -1 for bracket in brackets), initial=self._depth)
            if max(depths) > self._bounds.json_depth:
                raise _too_many("The depth of the JSON body", self._bounds.json_depth, "json_depth")
        self._depth += opened - closed
        # Where more is closed than was open, every parser has stopped.
        self._ended = self._depth < 0


def marks(piece: bytes) -> int:
    """Number of characters that begin or separate values of JSON, escaped or not."""
    count = sum(map(piece.count, (b",", b"[", b"{")))
    if b"\\u00" in piece:
        count += sum(map(piece.count, (b"\\u002", b"\\u005", b"\\u007")))
    return count


def _too_many(what: str, most: int, name: str) -> TooLargeError:
    return TooLargeError(what, str(most), name)
