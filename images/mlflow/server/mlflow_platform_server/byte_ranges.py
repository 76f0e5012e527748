"""The HTTP `Range` header (RFC 9110, 14), limited to a single range of bytes."""

import re

# More digits than a file's size has are not supported: `int` fails for hundreds of them.
_BYTES = re.compile(r"bytes=(?:(?P<first>[0-9]{1,19})-(?P<last>[0-9]{0,19})|-(?P<suffix>[0-9]{1,19}))")


class UnsatisfiableRangeError(Exception):
    """The range contains no byte of the file."""


def span(header: str | None, size: int) -> tuple[int, int] | None:
    """Position of the range's first byte and of the byte after its last; None if the whole file is to be sent.

    Raises:
        UnsatisfiableRangeError: a file of `size` bytes has no byte in the range.
    """
    requested = _BYTES.fullmatch(header or "")
    if requested is None:
        # A server may ignore a Range header that it does not support.
        return None
    if requested["suffix"]:
        start, stop = max(0, size - int(requested["suffix"])), size
    else:
        start, stop = int(requested["first"]), min(size, int(requested["last"]) + 1) if requested["last"] else size
    if requested["last"] and int(requested["last"]) < int(requested["first"]):
        return None
    if start >= stop:
        raise UnsatisfiableRangeError
    return start, stop
