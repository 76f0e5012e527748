"""Request bodies for attacks that cost the server more than they cost the attacker."""

import gzip
import random
import zlib
from functools import cache

MIB = 1024 * 1024
# Unpacked size of a compression bomb.
BOMB_BYTES = 300 * MIB


@cache
def bomb(form: str) -> bytes:
    """A compression bomb: gzip, `gzip members`, zlib or `raw deflate`."""
    zeros = bytes(MIB)
    if form == "gzip members":
        return gzip.compress(zeros) * (BOMB_BYTES // MIB)
    bits = {"gzip": zlib.MAX_WBITS | 16, "zlib": zlib.MAX_WBITS, "raw deflate": -zlib.MAX_WBITS}[form]
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    return b"".join([*(packer.compress(zeros) for _ in range(BOMB_BYTES // MIB)), packer.flush()])


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size, length = len(content), b""
    while rest := size >> 7:
        length, size = length + bytes([size & 127 | 128]), rest
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


@cache
def trace(size: int, *, seed: int) -> bytes:
    """An OTLP trace in protobuf of about `size` bytes: spans with 4 KiB of text each, as language models have."""
    source = random.Random(seed)  # noqa: S311 - test data
    trace_id = source.randbytes(16)
    spans = list[bytes]()
    for number in range(max(1, size // 4200)):
        text = bytes(source.randrange(97, 122) for _ in range(64)) * 64
        attribute = _field(1, b"mlflow.spanInputs") + _field(2, _field(1, b'"' + text + b'"'))
        parent = b"" if number == 0 else _field(4, (1).to_bytes(8))
        span = (
            _field(1, trace_id)
            + _field(2, (number + 1).to_bytes(8))
            + parent
            + _field(5, b"span")
            # Start and end, fixed64: now does not matter.
            + b"\x39"
            + (1_700_000_000_000_000_000).to_bytes(8, "little")
            + b"\x41"
            + (1_700_000_001_000_000_000).to_bytes(8, "little")
            + _field(9, attribute)
        )
        spans.append(_field(2, span))
    return _field(1, _field(2, b"".join(spans)))
