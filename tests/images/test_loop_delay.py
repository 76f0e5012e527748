"""The delay of the event loop is measured, and reported with the requests that were served meanwhile."""

import asyncio
import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest
from mlflow_platform_server import loop_delay
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.loop_delay import Delays, InFlight, Probe, Snapshot, Turn
from mlflow_platform_server.loop_watch import LoopWatch, to_log
from mlflow_platform_server.scope import KEY, RequestFacts
from mlflow_platform_server.watchdog import Watchdog

BLOCKED_SECONDS = 3 * loop_delay.THRESHOLD_SECONDS


@dataclass(slots=True)
class Clock:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now


def test_a_period_is_reported_once_with_its_worst_turn() -> None:
    clock = Clock()
    delays = Delays(clock)
    for delay in (0.01, 0.2, 0.06):
        assert delays.add(Turn(delay=delay, loop_cpu=0.19, process_cpu=0.21, requests=("a", "b"))) is None
    clock.now = loop_delay.REPORT_SECONDS
    assert delays.add(Turn(delay=0.001)) == {
        "log": "loop",
        "worst_ms": 200,
        "loop_cpu_ms": 190,
        "process_cpu_ms": 210,
        "late_turns": 2,
        "period_seconds": 60,
        "requests": ["a", "b"],
    }
    clock.now *= 2
    assert delays.add(Turn(delay=0.001)) is None


def test_a_period_without_a_late_turn_is_not_reported() -> None:
    clock = Clock()
    delays = Delays(clock)
    delays.add(Turn(delay=0.049))
    clock.now = loop_delay.REPORT_SECONDS
    assert delays.add(Turn(delay=0.0)) is None


def test_a_metric_sees_the_worst_delay_of_this_and_the_last_period() -> None:
    clock = Clock()
    delays = Delays(clock)
    delays.add(Turn(delay=0.2))
    clock.now = loop_delay.REPORT_SECONDS
    delays.add(Turn(delay=0.01))
    delays.add(Turn(delay=0.06))
    assert delays.snapshot() == Snapshot(turns=3, late=2, worst_seconds=0.2)
    clock.now *= 2
    delays.add(Turn(delay=0.01))
    assert delays.snapshot() == Snapshot(turns=4, late=2, worst_seconds=0.06)


def test_a_request_that_has_ended_is_named_once_and_one_that_runs_each_time() -> None:
    requests = InFlight()
    requests.begin("ended")
    requests.begin("runs")
    requests.end("ended")
    assert requests.look() == ("ended", "runs")
    assert requests.look() == ("runs",)


def test_at_most_ten_requests_are_named() -> None:
    requests = InFlight()
    for number in range(100):
        requests.begin(str(number))
    assert requests.look() == tuple(str(number) for number in range(99, 89, -1))
    for number in range(100):
        requests.end(str(number))
    assert len(requests.look()) == loop_delay.MOST_REQUESTS
    assert requests.look() == ()


def test_the_probe_measures_what_blocks_the_loop_and_names_the_request() -> None:
    clock = Clock()
    delays, requests = Delays(clock), InFlight()
    reports: list[dict[str, Any]] = []
    reported = asyncio.Event()

    def write(report: dict[str, Any]) -> None:
        reports.append(report)
        reported.set()

    async def run() -> None:
        probe = asyncio.create_task(Probe(delays, requests, write).run())
        requests.begin("punctual")
        requests.end("punctual")
        await turned(delays)
        requests.begin("slow")
        block(BLOCKED_SECONDS)
        requests.end("slow")
        clock.now = loop_delay.REPORT_SECONDS
        await asyncio.wait_for(reported.wait(), 60)
        probe.cancel()

    asyncio.run(run())
    (report,) = reports
    assert report["worst_ms"] >= 1000 * (BLOCKED_SECONDS - loop_delay.PERIOD_SECONDS) - 1
    assert report["requests"] == ["slow"]


async def turned(delays: Delays) -> None:
    """Wait until the probe has measured a turn."""
    while not delays.turns:  # noqa: ASYNC110 - the probe tells nobody else
        await asyncio.sleep(0)


def block(seconds: float) -> None:
    """Block the event loop."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


def test_a_report_is_one_line_of_json_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        to_log({"log": "loop", "worst_ms": 200})
    (record,) = caplog.records
    assert json.loads(record.getMessage()) == {"log": "loop", "worst_ms": 200}


def test_the_loop_is_watched_from_the_start_of_the_server_to_its_end() -> None:
    async def nothing(*_: Any) -> Any:  # noqa: ANN401 - ASGI
        raise AssertionError("the server neither reads nor answers")

    async def server(_: Message, __: Receive, ___: Send) -> None:
        await turned(watch.delays)

    dog = Dog()
    watch = LoopWatch(server, watchdog=dog)

    async def run() -> int:
        await watch({"type": "lifespan"}, nothing, nothing)
        return len(asyncio.all_tasks())

    asyncio.run(run())
    assert (dog.started, dog.stopped) == (True, True)


class Dog(Watchdog):
    """A fake watchdog, which only records calls."""

    def __init__(self) -> None:
        super().__init__(lambda: 0, lambda: None)
        self.started = self.stopped = False

    def start(self) -> None:
        """Record the start."""
        self.started = True

    def stop(self) -> None:
        """Record the stop."""
        self.stopped = True


def test_requests_in_flight_are_known_until_they_end() -> None:
    seen: list[tuple[str, ...]] = []

    async def server(_: Message, __: Receive, ___: Send) -> None:
        seen.append(watch.in_flight.look())
        raise ConnectionError

    async def nothing(*_: Any) -> Any:  # noqa: ANN401 - ASGI
        raise AssertionError("the server neither reads nor answers")

    watch = LoopWatch(server)
    with pytest.raises(ConnectionError):
        asyncio.run(watch({"type": "http", KEY: RequestFacts(id="one")}, nothing, nothing))
    assert seen == [("one",)]
    assert watch.in_flight.look() == ("one",)
    assert watch.in_flight.look() == ()


def test_watching_needs_no_thread_before_the_server_starts() -> None:
    async def server(*_: Any) -> None:  # noqa: ANN401 - ASGI
        return

    before = threading.active_count()
    LoopWatch(server)
    assert threading.active_count() == before
