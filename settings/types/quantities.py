"""Kubernetes quantities of CPU, memory and disk: checks, and conversion to numbers and back."""

import math
import re

MEBIBYTE, GIBIBYTE = 2**20, 2**30
# PostgreSQL's write-ahead log alone can grow to 1 GiB.
SMALLEST_VOLUME = GIBIBYTE
UNITS = {
    **{f"{letter}i": 2 ** (10 * power) for power, letter in enumerate("KMGT", start=1)},
    **{letter: 1000**power for power, letter in enumerate("kMGT", start=1)},
}
SIZE = r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T)"
CPU = r"([0-9]+)m|([0-9]+(?:\.[0-9]{1,3})?)"


def size_in_bytes(text: str) -> float:
    """Number of bytes in a size such as `2Gi`.

    Raises:
        ValueError: the size is invalid, which values of type `values.Size` never are.
    """
    match = re.fullmatch(SIZE, text)
    if match is None:
        raise ValueError(f"{text!r} is not a size")
    return float(match[1]) * UNITS[match[2]]


def cpu_in_cores(text: str) -> float:
    """Number of cores in an amount of CPU such as `250m`.

    Raises:
        ValueError: the amount is invalid, which values of type `values.Cpu` never are.
    """
    match = re.fullmatch(CPU, text)
    if match is None:
        raise ValueError(f"{text!r} is not an amount of CPU")
    return int(match[1]) / 1000 if match[1] else float(match[2])


def mebibytes(size: float) -> str:
    """A number of bytes as a size, in MiB rounded up, like `512Mi`."""
    return f"{math.ceil(size / MEBIBYTE)}Mi"


def gibibytes(size: float) -> str:
    """A number of bytes as a size, in GiB rounded up, like `2Gi`."""
    return f"{math.ceil(size / GIBIBYTE)}Gi"


def cpu(text: str) -> str | None:
    """Remedy for a wrong amount of CPU; None for a valid one."""
    if re.fullmatch(CPU, text) and cpu_in_cores(text):
        return None
    return 'write cores like "2" or "0.5", or millicores like "250m"'


def size(text: str) -> str | None:
    """Remedy for a wrong amount of memory or disk; None for a valid one."""
    if re.fullmatch(SIZE, text) and size_in_bytes(text):
        return None
    parts = re.fullmatch(r"\s*([0-9]*[1-9][0-9]*)\s*([kKmMgGtT])i?[bB]?\s*", text)
    if parts:
        return f'write it like "{parts[1]}{parts[2].upper()}i"'
    return 'write a number and its unit, like "700Mi" or "10Gi"'


def volume(text: str) -> str | None:
    """Remedy for a wrong volume size; None for a valid one."""
    remedy = size(text)
    if remedy is None and size_in_bytes(text) < SMALLEST_VOLUME:
        return 'the smallest useful volume is "1Gi"'
    return remedy
