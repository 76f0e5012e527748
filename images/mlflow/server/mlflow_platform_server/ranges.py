"""HTTP's `Range` header (RFC 9110, 14), in its one useful form: one range of bytes."""

import re

_BYTES = re.compile(r"bytes=(?:(?P<first>\d+)-(?P<last>\d*)|-(?P<suffix>\d+))")


class UnsatisfiableRangeError(Exception):
    """The range begins after the end."""


def span(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None if everything is to be sent.

    Raises:
        UnsatisfiableRangeError: there is nothing of `size` bytes in the range.
    """
    asked = _BYTES.fullmatch(header or "")
    if asked is None:
        # A server may ignore what it does not understand.
        return None
    if asked["suffix"]:
        start, stop = max(0, size - int(asked["suffix"])), size
    else:
        start, stop = int(asked["first"]), min(size, int(asked["last"]) + 1) if asked["last"] else size
    if asked["last"] and int(asked["last"]) < int(asked["first"]):
        return None
    if start >= stop:
        raise UnsatisfiableRangeError
    return start, stop
