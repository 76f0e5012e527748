"""Texts of remedies for sums above their limit, such as `set server.replicas 1, or set database.maxConnections 200`."""

import json
import math
from collections.abc import Iterable, Mapping

MEBIBYTE = 2**20
GIBIBYTE = 2**30


def setting(values: Mapping[str, str | int]) -> str:
    """The remedy that sets one or more keys together."""
    return "set " + " and ".join(f"{path} {json.dumps(value)}" for path, value in values.items())


def either(ways: Iterable[str]) -> str:
    """Join alternative remedies into one string."""
    return ", or ".join(ways)


def mebibytes(size: float) -> str:
    """Format a number of bytes for a stack file, in MiB rounded up, like `512Mi`."""
    return f"{math.ceil(size / MEBIBYTE)}Mi"


def gibibytes(size: float) -> str:
    """Format a number of bytes for a stack file, in GiB rounded up, like `2Gi`."""
    return f"{math.ceil(size / GIBIBYTE)}Gi"
