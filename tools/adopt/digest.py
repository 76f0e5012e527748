"""Digests of what an experiment contains, in a form that does not depend on where it is stored."""

import hashlib
import json
import math
from collections.abc import Iterable
from pathlib import Path

# A database has no infinity: MLflow stores the largest number instead.
LARGEST = 1.7976931348623157e308
BLOCK = 1 << 20


def number(value: float) -> str:
    """A metric's value, as every kind of store gives it back."""
    if math.isnan(value):
        return "NaN"
    return repr(max(-LARGEST, min(LARGEST, float(value))))


def rows(items: Iterable[object]) -> tuple[int, str]:
    """Count and SHA-256 of rows, whose order and repetitions do not matter."""
    lines = {json.dumps(item, sort_keys=True, separators=(",", ":")) for item in items}
    whole = hashlib.sha256()
    for line in sorted(lines):
        whole.update(line.encode())
        whole.update(b"\n")
    return len(lines), whole.hexdigest()


def file(path: Path) -> str:
    """SHA-256 of a file."""
    whole = hashlib.sha256()
    with path.open("rb") as opened:
        while block := opened.read(BLOCK):
            whole.update(block)
    return whole.hexdigest()
