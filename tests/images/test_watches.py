"""Watches that end: the delay until they are reopened, and the lines in the log. Time is virtual."""

import logging
import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, cast

import pytest
from mlflow_platform_server.kubernetes_api import AnswerError, KubernetesApi
from mlflow_platform_server.review_engine import OutageError
from mlflow_platform_server.watches import (
    FIRST_PAUSE_SECONDS,
    LASTING_SECONDS,
    LONGEST_PAUSE_SECONDS,
    WATCH_SECONDS,
    Object,
    Watch,
)

PATH = "/api/v1/namespaces"
ENDS: tuple[Exception | None, ...] = (
    None,
    OutageError("Kubernetes cannot be reached."),
    AnswerError(410, PATH),
    AnswerError(403, PATH),
    ValueError("no JSON"),
)
# Ticks of the clock in a second: a power of two, so that sums and differences of times are exact. Rounded, the duration
# of a watch that lasts for LASTING_SECONDS could be less.
TICKS = 1024
# Duration of a watch in seconds, the error that ends it, and whether Kubernetes sends an object in it.
Life = tuple[float, Exception | None, bool]


class Kept:
    """A copy that keeps nothing."""

    def replace(self, items: list[Object]) -> None:
        """Do nothing."""

    def put(self, item: Object) -> None:
        """Do nothing."""

    def remove(self, item: Object) -> None:
        """Do nothing."""


class Script:
    """A fake of Kubernetes, whose watches last as long as a list says, one after the other; and the clock."""

    def __init__(self, lives: list[Life]) -> None:
        self.lives = lives
        self.now = 0.0
        self.opened: list[float] = []
        """Times at which a watch was opened."""

        self.ended: list[float] = []
        """Times at which a watch ended."""

        self.watch = Watch(cast("KubernetesApi", self), PATH, Kept(), wait=self.wait, clock=lambda: self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, in whole ticks."""
        self.now += math.ceil(seconds * TICKS) / TICKS

    def get(self, _: str, __: Mapping[str, str], *, seconds: float) -> dict[str, Any]:
        """Answer a list, after half of the time for it."""
        self.now += seconds / 2
        return {"items": [], "metadata": {"resourceVersion": "1"}}

    def events(self, _: str, __: Mapping[str, str], *, silence_seconds: float) -> Iterator[dict[str, Any]]:
        """One watch."""
        assert silence_seconds > WATCH_SECONDS
        seconds, error, talks = self.lives[len(self.opened)]
        self.opened.append(self.now)
        if talks:
            yield {"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "2"}}}
        self.now += seconds
        self.ended.append(self.now)
        if len(self.opened) == len(self.lives):
            self.watch.stop()
        if error is not None:
            raise error

    def run(self) -> list[float]:
        """Run all watches; returns the times between the end of each watch and the next one."""
        self.watch.run()
        return [begin - end for end, begin in zip(self.ended, self.opened[1:], strict=False)]


@pytest.mark.parametrize("talks", [False, True])
@pytest.mark.parametrize("error", ENDS, ids=str)
def test_watches_that_end_at_once_are_opened_again_less_and_less_often(error: Exception | None, talks: bool) -> None:  # noqa: FBT001 - a case
    pauses = Script([(0.0, error, talks)] * 100).run()
    for number, pause in enumerate(pauses):
        assert pause >= min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**number) / 2
    assert max(pauses) <= 1.5 * LONGEST_PAUSE_SECONDS + 10


def test_a_watch_that_kubernetes_ends_in_its_time_is_opened_again_at_once() -> None:
    assert Script([(WATCH_SECONDS * 3 / 4, None, False)] * 20).run() == [0] * 19


@pytest.mark.parametrize("error", [None, ENDS[1]], ids=str)
def test_after_a_watch_that_lasted_the_pauses_are_short_again(error: Exception | None) -> None:
    pauses = Script([*[(0.0, error, False)] * 10, (LASTING_SECONDS, error, True), *[(0.0, error, False)] * 2]).run()
    assert pauses[9] >= LONGEST_PAUSE_SECONDS / 2
    assert pauses[10] <= FIRST_PAUSE_SECONDS * 1.5
    assert pauses[11] <= FIRST_PAUSE_SECONDS * 3


@pytest.mark.parametrize("before", [[], [(WATCH_SECONDS, None, True)], [(0.0, None, True)] * 3], ids=len)
@pytest.mark.parametrize("error", ENDS[1:], ids=str)
def test_an_outage_of_any_length_has_one_line_in_the_log(
    error: Exception, before: list[Life], caplog: pytest.LogCaptureFixture
) -> None:
    Script([*before, *[(0.0, error, False)] * 100]).run()
    gone = isinstance(error, AnswerError) and error.status == 410
    assert [line.levelno for line in caplog.records] == ([] if gone else [logging.WARNING])


@pytest.mark.parametrize("seed", range(100))
def test_no_series_of_watches_asks_kubernetes_in_a_busy_loop(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    lives: list[Life] = [
        (
            random.choice([0, 0, 0.1, 1, LASTING_SECONDS - 0.1, LASTING_SECONDS, 60]),
            random.choice(ENDS),
            random.random() < 0.5,
        )
        for _ in range(200)
    ]
    script = Script(lives)
    script.run()
    for first, second in zip(script.opened, script.opened[3:], strict=False):
        assert second - first > 2 * FIRST_PAUSE_SECONDS / 2
