"""Remedies for sums, in the form `set key value and key value, or set key value`."""

import json
import math
from collections.abc import Iterable, Mapping

MEBIBYTE = 2**20
GIBIBYTE = 2**30


def setting(values: Mapping[str, str | int]) -> str:
    """The remedy that sets several keys together."""
    return "set " + " and ".join(f"{path} {json.dumps(value)}" for path, value in values.items())


def either(ways: Iterable[str]) -> str:
    """Alternative remedies as one text."""
    return ", or ".join(ways)


def mebibytes(size: float) -> str:
    """A size in the form of a stack file, rounded up."""
    return f"{math.ceil(size / MEBIBYTE)}Mi"


def gibibytes(size: float) -> str:
    """A size in the form of a stack file, rounded up."""
    return f"{math.ceil(size / GIBIBYTE)}Gi"
