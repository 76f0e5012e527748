"""Kubernetes' amounts of CPU, memory and disk, as text and as numbers."""

import re

# PostgreSQL's write-ahead log alone grows to 1 GiB.
SMALLEST_VOLUME = 2**30
UNITS = {
    **{f"{letter}i": 2 ** (10 * power) for power, letter in enumerate("KMGT", start=1)},
    **{letter: 1000**power for power, letter in enumerate("kMGT", start=1)},
}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T)")
_CPU = re.compile(r"([0-9]+)m|([0-9]+(?:\.[0-9]{1,3})?)")


def size_in_bytes(text: str) -> float | None:
    """A size in bytes; None when it is none."""
    match = _SIZE.fullmatch(text)
    return float(match[1]) * UNITS[match[2]] if match else None


def mebibytes(text: str) -> int:
    """A size that is one, in whole MiB.

    Raises:
        ValueError: it is none, which a value of `values.Size` never is.
    """
    found = size_in_bytes(text)
    if found is None:
        raise ValueError(f"{text!r} is no size")
    return int(found / UNITS["Mi"])


def cpu_in_cores(text: str) -> float | None:
    """An amount of CPU in cores; None when it is none."""
    match = _CPU.fullmatch(text)
    if match is None:
        return None
    return int(match[1]) / 1000 if match[1] else float(match[2])


def cpu(text: str) -> str | None:
    """Advice for an amount of CPU."""
    return None if cpu_in_cores(text) else 'write cores like "2" or "0.5", or thousandths of one like "250m"'


def size(text: str) -> str | None:
    """Advice for an amount of memory or disk."""
    if size_in_bytes(text):
        return None
    parts = re.fullmatch(r"\s*([0-9]*[1-9][0-9]*)\s*([kKmMgGtT])i?[bB]?\s*", text)
    if parts:
        return f'write it like "{parts[1]}{parts[2].upper()}i"'
    return 'write a number and its unit, like "700Mi" or "10Gi"'


def volume(text: str) -> str | None:
    """Advice for the size of a volume."""
    found = size_in_bytes(text)
    return 'the smallest useful volume is "1Gi"' if found and found < SMALLEST_VOLUME else size(text)
