"""Kubernetes quantities of CPU, memory and disk: conversion to numbers, and checks."""

import re

# PostgreSQL's write-ahead log alone can grow to 1 GiB.
SMALLEST_VOLUME = 2**30
UNITS = {
    **{f"{letter}i": 2 ** (10 * power) for power, letter in enumerate("KMGT", start=1)},
    **{letter: 1000**power for power, letter in enumerate("kMGT", start=1)},
}
SIZE = r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T)"
CPU = r"([0-9]+)m|([0-9]+(?:\.[0-9]{1,3})?)"


def size_in_bytes(text: str) -> float | None:
    """Number of bytes in a size such as `2Gi`; None for an invalid size."""
    match = re.fullmatch(SIZE, text)
    return float(match[1]) * UNITS[match[2]] if match else None


def mebibytes(text: str) -> int:
    """Number of whole MiB in a valid size such as `2Gi`.

    Raises:
        ValueError: the size is invalid, which values of type `values.Size` never are.
    """
    size = size_in_bytes(text)
    if size is None:
        raise ValueError(f"{text!r} is not a size")
    return int(size / UNITS["Mi"])


def cpu_in_cores(text: str) -> float | None:
    """Number of cores in an amount of CPU such as `250m`; None for an invalid amount."""
    match = re.fullmatch(CPU, text)
    if match is None:
        return None
    return int(match[1]) / 1000 if match[1] else float(match[2])


def cpu(text: str) -> str | None:
    """Remedy for a wrong amount of CPU; None for a valid one."""
    return None if cpu_in_cores(text) else 'write cores like "2" or "0.5", or millicores like "250m"'


def size(text: str) -> str | None:
    """Remedy for a wrong amount of memory or disk; None for a valid one."""
    if size_in_bytes(text):
        return None
    parts = re.fullmatch(r"\s*([0-9]*[1-9][0-9]*)\s*([kKmMgGtT])i?[bB]?\s*", text)
    if parts:
        return f'write it like "{parts[1]}{parts[2].upper()}i"'
    return 'write a number and its unit, like "700Mi" or "10Gi"'


def volume(text: str) -> str | None:
    """Remedy for a wrong volume size; None for a valid one."""
    found = size_in_bytes(text)
    return 'the smallest useful volume is "1Gi"' if found and found < SMALLEST_VOLUME else size(text)
