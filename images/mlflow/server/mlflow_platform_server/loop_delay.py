"""The delay of the event loop: how long requests wait for their turn while other code runs.

`Probe` sleeps for a moment again and again, and measures by how much the loop is late. `Delays` keeps what it measures.
A late turn of the loop has one of three causes, which its CPU times tell apart:

- The loop itself computed: its thread used as much CPU time as the delay lasted.
- A thread held Python's lock (the GIL): the process used as much, the loop's thread did not.
- The process waited for the machine, or the loop for a file or a socket: neither did.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PERIOD_SECONDS = 0.02
REPORT_SECONDS = 60.0
# Delays from here on are reported.
THRESHOLD_SECONDS = 0.05
# Requests that a report names at most.
MOST_REQUESTS = 10

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One turn of the loop."""

    delay: float
    """Seconds by which the turn was late."""

    loop_cpu: float = 0.0
    """CPU time of the loop's thread in seconds since the turn before."""

    process_cpu: float = 0.0
    """CPU time of the whole process in seconds since the turn before."""

    requests: tuple[str, ...] = ()
    """IDs of the requests that were served since the turn before; at most `MOST_REQUESTS`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Measurements so far, for a metric."""

    turns: int
    """Turns since the start."""

    late: int
    """Turns since the start with a delay of `THRESHOLD_SECONDS` or more."""

    worst_seconds: float
    """Longest delay of this and the last period of `REPORT_SECONDS`."""


class Delays:
    """Delays of one event loop, with the worst of each period of `REPORT_SECONDS`."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + REPORT_SECONDS
        self._turns = 0
        self._late = 0
        self._late_before = 0
        self._worst = Turn(delay=0.0)
        self._last_worst = Turn(delay=0.0)

    @property
    def turns(self) -> int:
        """Turns since the start; any thread may read it."""
        return self._turns

    def add(self, turn: Turn) -> dict[str, Any] | None:
        """Note a turn; returns the report of a period that has ended, if a turn in it was late."""
        self._turns += 1
        self._late += turn.delay >= THRESHOLD_SECONDS
        if turn.delay > self._worst.delay:
            self._worst = turn
        if self._clock() < self._ends:
            return None
        worst, late = self._worst, self._late - self._late_before
        self._ends, self._late_before = self._clock() + REPORT_SECONDS, self._late
        self._worst, self._last_worst = Turn(delay=0.0), worst
        return report(worst, late=late) if late else None

    def snapshot(self) -> Snapshot:
        """The measurements so far."""
        worst = max(self._worst.delay, self._last_worst.delay)
        return Snapshot(turns=self._turns, late=self._late, worst_seconds=worst)


def report(worst: Turn, *, late: int) -> dict[str, Any]:
    """The fields of a report's line; `late` is the number of late turns in the period."""
    return {
        "log": "loop",
        "worst_ms": round(worst.delay * 1000),
        "loop_cpu_ms": round(worst.loop_cpu * 1000),
        "process_cpu_ms": round(worst.process_cpu * 1000),
        "late_turns": late,
        "period_seconds": round(REPORT_SECONDS),
        "requests": list(worst.requests),
    }


class InFlight:
    """IDs of the requests in flight, and of those that ended since the last look."""

    def __init__(self) -> None:
        self._running: dict[str, None] = {}
        self._ended: list[str] = []

    def begin(self, request: str) -> None:
        """Note the start of a request."""
        self._running[request] = None

    def end(self, request: str) -> None:
        """Note the end of a request."""
        self._running.pop(request, None)
        if len(self._ended) < MOST_REQUESTS:
            self._ended.append(request)

    def look(self) -> tuple[str, ...]:
        """The requests, those that have ended first; a request that has ended is returned once."""
        ended, self._ended = self._ended, []
        newest = list(reversed(self._running))[: MOST_REQUESTS - len(ended)]
        return (*ended, *newest)

    def forget(self) -> None:
        """Forget the requests that have ended."""
        self._ended.clear()


class Probe:
    """Measures the delay of the event loop that it runs in."""

    def __init__(self, delays: Delays, in_flight: InFlight, write: Callable[[dict[str, Any]], None]) -> None:
        """`write` writes a report to the log."""
        self._delays = delays
        self._in_flight = in_flight
        self._write = write

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.monotonic() + PERIOD_SECONDS
            loop_cpu, process_cpu = time.thread_time(), time.process_time()
            await asyncio.sleep(PERIOD_SECONDS)
            delay = max(0.0, time.monotonic() - due)
            if delay < THRESHOLD_SECONDS:
                self._in_flight.forget()
                turn = Turn(delay=delay)
            else:
                turn = Turn(
                    delay=delay,
                    loop_cpu=time.thread_time() - loop_cpu,
                    process_cpu=time.process_time() - process_cpu,
                    requests=self._in_flight.look(),
                )
            finished = self._delays.add(turn)
            if finished is not None:
                self._write(finished)
