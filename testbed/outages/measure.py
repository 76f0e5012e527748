"""Effect of a fault on clients, computed from their recorded calls."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Line = dict[str, Any]

# Ordinary calls take up to this long on two busy cores; a shorter pause between two answers is no outage.
ORDINARY_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What clients noticed of one fault."""

    fault: str
    """Name of the fault."""

    text: str
    without_reads: int
    """Longest time in seconds in which no read was answered, for the kind of call that waited longest; 0 if shorter
    than `ORDINARY_SECONDS`."""

    without_writes: int
    """The same for writes."""

    calls: int
    """Number of calls of a writer with the MLflow client's default retries."""

    failed: int
    """Number of calls of the writer with retries that failed in spite of the retries."""

    lost: int
    """Number of acknowledged writes that could not be read back as they were sent."""


def lines(file: Path) -> list[Line]:
    """Return the calls that a client has recorded so far; an incomplete last line does not count."""
    text = file.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def between(calls: Iterable[Line], start: float, end: float) -> list[Line]:
    """Return the calls that ended in a period of time."""
    return [call for call in calls if start <= call["ended"] <= end]


def outage(calls: Sequence[Line], start: float, end: float) -> int:
    """Return the longest time in whole seconds without an answer, of the kind of call that waited longest.

    It is 0 if that time is shorter than `ORDINARY_SECONDS` and no call failed. `start` and `end` are the period that
    counts, in seconds since 1970. Before `start` the client has had answers.
    """
    kinds = {call["kind"] for call in calls}
    longest = max((_longest([call for call in calls if call["kind"] == kind], start, end) for kind in kinds), default=0)
    failed = any(not call["acknowledged"] for call in between(calls, start, end))
    return round(longest) if failed or longest >= ORDINARY_SECONDS else 0


def _longest(calls: Sequence[Line], start: float, end: float) -> float:
    answered = [call["ended"] for call in calls if call["acknowledged"]]
    before = max((moment for moment in answered if moment < start), default=start)
    moments = [before, *(moment for moment in answered if start <= moment <= end)]
    # A pause that the period cuts off lasts until its end.
    return max(later - earlier for earlier, later in zip(moments, [*moments[1:], max(end, moments[-1])], strict=True))


def whole_rounds(calls: Sequence[Line], kinds: Iterable[str], since: float) -> int:
    """Return how often every kind of call has been answered since the last failure, or since `since` if none failed."""
    later = [call for call in calls if call["started"] >= since]
    failures = [number for number, call in enumerate(later) if not call["acknowledged"]]
    whole = later[failures[-1] + 1 :] if failures else later
    return min(sum(call["kind"] == kind for call in whole) for kind in kinds)


def effect(
    *,
    fault: str,
    text: str,
    period: tuple[float, float],
    reader: Sequence[Line],
    writer: Sequence[Line],
    patient: Sequence[Line],
    lost: Callable[[list[Line]], int],
) -> Effect:
    """Return the effect of a fault on a reader and a writer without retries, and on a writer with retries.

    `lost` takes acknowledged writes, and returns how many of them cannot be read back.
    """
    start, end = period
    patiently = between(patient, start, end)
    written = [*between(writer, start, end), *patiently]
    return Effect(
        fault=fault,
        text=text,
        without_reads=outage(reader, start, end),
        without_writes=outage(writer, start, end),
        calls=len(patiently),
        failed=sum(not call["acknowledged"] for call in patiently),
        lost=lost([call for call in written if call["acknowledged"]]),
    )
