"""How a sum's fault says what would make it come out: `set key value and key value, or set key value`."""

import json
import math
from collections.abc import Iterable, Mapping

MEBIBYTE = 2**20
GIBIBYTE = 2**30


def setting(values: Mapping[str, str | int]) -> str:
    """Keys and the values that they have to have together."""
    return "set " + " and ".join(f"{path} {json.dumps(value)}" for path, value in values.items())


def either(ways: Iterable[str]) -> str:
    """Ways of which one is enough."""
    return ", or ".join(ways)


def mebibytes(size: float) -> str:
    """A size as a stack file writes it, rounded up."""
    return f"{math.ceil(size / MEBIBYTE)}Mi"


def gibibytes(size: float) -> str:
    """A size as a stack file writes it, rounded up."""
    return f"{math.ceil(size / GIBIBYTE)}Gi"
