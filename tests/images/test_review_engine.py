"""Decisions of Kubernetes: fetched by one request at a time, within a deadline, and kept during an outage."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from mlflow_platform_server.decisions import Decisions
from mlflow_platform_server.review_engine import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MOST_OF_ONE,
    Breaker,
    CrowdedError,
    OutageError,
    ReviewEngine,
    ReviewFailedError,
    TokenRefusedError,
)

FRESH, OUTAGE, DEADLINE = 30, 300, 5
KEY = ("alice", "team-a")
PAUSE = LONGEST_PAUSE_SECONDS * 1.5


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Ticking(Clock):
    """A clock that never shows the same time twice."""

    def __call__(self) -> float:
        """The time."""
        self.now += 1e-6
        return self.now


class Kubernetes:
    """A fake of Kubernetes: gives one answer or error, counts questions, and waits until it may answer."""

    def __init__(self, answer: object = True) -> None:  # noqa: FBT002 - an answer
        self.answer = answer
        self.asked = 0
        self.at_once = self.most_at_once = 0
        self.began = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self._lock = threading.Lock()

    def __call__(self, _: float) -> object:
        """Answer a question."""
        with self._lock:
            self.asked += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.began.release()
        self.open.wait(10)
        with self._lock:
            self.at_once -= 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def engine(clock: Clock, seconds: float = DEADLINE, **options: int) -> ReviewEngine:
    return ReviewEngine(Decisions(FRESH, OUTAGE, clock=clock), seconds, clock=clock, **options)


def run(steps: Callable[[ReviewEngine, Kubernetes, Clock], Coroutine[Any, Any, None]], **options: Any) -> None:  # noqa: ANN401
    async def go() -> None:
        clock = Clock()
        await steps(engine(clock, **options), Kubernetes(), clock)

    asyncio.run(go())


def known_yes(clock: Clock, kubernetes: Kubernetes, seconds: float = DEADLINE) -> ReviewEngine:
    """An engine with a cached yes, which needs confirmation now."""
    reviews = engine(clock, seconds)
    assert reviews.decide_blocking(KEY, kubernetes) is True
    clock.now += FRESH
    return reviews


def test_an_answer_is_remembered_for_its_time_and_for_its_key_only() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, clock: Clock) -> None:
        for _ in range(2):
            assert await reviews.decide(KEY, kubernetes) is True
            assert await asyncio.to_thread(reviews.decide_blocking, KEY, kubernetes) is True
        assert kubernetes.asked == 1
        for other in (("alice", "team-b"), ("bob", "team-a")):
            assert await reviews.decide(other, kubernetes) is True
        assert kubernetes.asked == 3
        clock.now += FRESH
        assert await reviews.decide(KEY, kubernetes) is True
        assert kubernetes.asked == 4

    run(steps)


def test_requests_in_the_event_loop_and_in_threads_share_one_question() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        requests = [asyncio.create_task(reviews.decide(KEY, kubernetes)) for _ in range(20)]
        await asyncio.to_thread(kubernetes.began.acquire)
        threads = [asyncio.to_thread(reviews.decide_blocking, KEY, kubernetes) for _ in range(4)]
        waiting = asyncio.gather(*requests, *threads)
        await asyncio.sleep(0)
        kubernetes.open.set()
        assert set(await waiting) == {True}
        assert kubernetes.asked == 1

    run(steps)


def test_a_client_that_goes_away_does_not_end_the_question_of_the_others() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        first, second = (asyncio.create_task(reviews.decide(KEY, kubernetes)) for _ in range(2))
        await asyncio.to_thread(kubernetes.began.acquire)
        first.cancel()
        kubernetes.open.set()
        assert await second is True
        assert kubernetes.asked == 1

    run(steps)


@pytest.mark.parametrize("answer", [OutageError("down"), ReviewFailedError("403")])
def test_without_an_earlier_yes_a_failure_is_no_decision(answer: Exception) -> None:
    clock = Clock()
    for before in (None, False):
        reviews, kubernetes = engine(clock), Kubernetes(before)
        if before is not None:
            reviews.decide_blocking(KEY, kubernetes)
            clock.now += FRESH
        kubernetes.answer = answer
        with pytest.raises(ReviewFailedError):
            reviews.decide_blocking(KEY, kubernetes)


def test_a_yes_goes_on_counting_in_an_outage_until_its_time_is_over() -> None:
    clock, kubernetes = Clock(), Kubernetes()
    reviews = known_yes(clock, kubernetes)
    kubernetes.answer = OutageError("down")
    assert reviews.decide_blocking(KEY, kubernetes) is True
    clock.now += OUTAGE - FRESH - 0.001
    assert reviews.decide_blocking(KEY, kubernetes) is True
    clock.now += 0.001
    with pytest.raises(OutageError):
        reviews.decide_blocking(KEY, kubernetes)


def test_a_yes_does_not_outlast_an_answer_that_kubernetes_gives() -> None:
    """A no ends it, and so does an error about the request itself."""
    clock, kubernetes = Clock(), Kubernetes()
    reviews = known_yes(clock, kubernetes)
    kubernetes.answer = ReviewFailedError("403")
    with pytest.raises(ReviewFailedError):
        reviews.decide_blocking(KEY, kubernetes)
    kubernetes.answer = False
    assert reviews.decide_blocking(KEY, kubernetes) is False
    clock.now += FRESH
    kubernetes.answer = OutageError("down")
    with pytest.raises(OutageError):
        reviews.decide_blocking(KEY, kubernetes)


def test_no_yes_outlasts_the_refusal_of_its_token() -> None:
    clock, kubernetes = Clock(), Kubernetes()
    reviews = known_yes(clock, kubernetes)
    kubernetes.answer = TokenRefusedError()
    with pytest.raises(TokenRefusedError):
        reviews.decide_blocking((KEY[0], "another question"), kubernetes)
    kubernetes.answer = OutageError("down")
    with pytest.raises(OutageError):
        reviews.decide_blocking(KEY, kubernetes)


def test_an_answer_is_as_old_as_its_question() -> None:
    """Otherwise a revocation would take effect later than the setting says when Kubernetes is slow."""
    clock, kubernetes = Clock(), Kubernetes()
    reviews = engine(clock, FRESH)

    def slow(seconds: float) -> object:
        clock.now += FRESH - 1
        return kubernetes(seconds)

    assert reviews.decide_blocking(KEY, slow) is True
    clock.now += 1
    assert reviews.decide_blocking(KEY, kubernetes) is True
    assert kubernetes.asked == 2


def test_a_question_that_takes_too_long_is_an_outage_in_the_event_loop_and_in_threads() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        message = r"no decision within 0.05 s \(server.bounds.reviewSeconds\)"
        with pytest.raises(OutageError, match=message):
            await reviews.decide(KEY, kubernetes)
        kubernetes.open.set()

    run(steps, seconds=0.05)
    kubernetes, reviews = Kubernetes(), engine(Clock(), 0.05)
    kubernetes.open.clear()
    with pytest.raises(OutageError):
        reviews.decide_blocking(KEY, kubernetes)
    kubernetes.open.set()


def test_after_a_failure_one_question_tries_again_and_all_others_are_answered_at_once() -> None:
    clock, kubernetes = Clock(), Kubernetes()
    reviews = known_yes(clock, kubernetes, seconds=600)
    kubernetes.answer = OutageError("down")
    assert reviews.decide_blocking(KEY, kubernetes) is True
    assert kubernetes.asked == 2
    for _ in range(50):
        assert reviews.decide_blocking(KEY, kubernetes) is True
        with pytest.raises(OutageError):
            reviews.decide_blocking(("bob", "team-a"), kubernetes)
    assert kubernetes.asked == 2
    clock.now += PAUSE
    kubernetes.open.clear()
    # The one that tries again has a remembered yes, and does not wait either.
    for _ in range(50):
        assert reviews.decide_blocking(KEY, kubernetes) is True
        with pytest.raises(OutageError):
            reviews.decide_blocking(("bob", "team-a"), kubernetes)
    for _ in range(3):
        assert kubernetes.began.acquire(timeout=10)
    # It is still waiting, so nobody has waited for it.
    assert kubernetes.at_once == 1
    kubernetes.open.set()
    assert kubernetes.asked == 3


def test_when_kubernetes_is_back_questions_are_sent_by_a_bounded_number_of_threads() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, clock: Clock) -> None:
        kubernetes.answer = OutageError("down")
        with pytest.raises(OutageError):
            await reviews.decide(KEY, kubernetes)
        clock.now += PAUSE
        kubernetes.answer = True
        assert await reviews.decide(KEY, kubernetes) is True
        kubernetes.open.clear()
        keys = [(f"user-{number % 30}", "team-a") for number in range(300)]
        requests = [asyncio.create_task(reviews.decide(key, kubernetes)) for key in keys]
        for _ in range(3 + 2):
            await asyncio.to_thread(kubernetes.began.acquire)
        kubernetes.open.set()
        assert set(await asyncio.gather(*requests)) == {True}
        assert (kubernetes.asked, kubernetes.most_at_once) == (2 + 30, 3)

    run(steps, threads=3)


def test_questions_that_wait_when_an_outage_begins_are_not_sent_later() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        kubernetes.answer = OutageError("down")
        requests = [asyncio.create_task(reviews.decide((str(number), ""), kubernetes)) for number in range(100)]
        await asyncio.to_thread(kubernetes.began.acquire)
        kubernetes.open.set()
        answers = await asyncio.gather(*requests, return_exceptions=True)
        assert all(isinstance(answer, OutageError) for answer in answers)
        assert kubernetes.asked == 1

    run(steps, threads=1)


def test_a_caller_who_asks_much_has_four_questions_on_their_way_and_delays_nobody() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        greedy = [asyncio.create_task(reviews.decide(("mallory", number), kubernetes)) for number in range(1000)]
        for __ in range(MOST_OF_ONE):
            await asyncio.to_thread(kubernetes.began.acquire)
        for number in range(200):
            assert await reviews.decide((f"user-{number}", "team-a"), lambda _: True) is True
        assert kubernetes.at_once == MOST_OF_ONE
        refused = [task for task in greedy if task.done()]
        assert all(isinstance(task.exception(), CrowdedError) for task in refused)
        assert len(refused) == 1000 - MOST_OF_ONE - 50
        kubernetes.open.set()
        answers = await asyncio.gather(*greedy, return_exceptions=True)
        assert answers.count(True) == MOST_OF_ONE + 50
        assert kubernetes.most_at_once == MOST_OF_ONE

    run(steps)


def test_callers_take_turns() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        order = list[str]()

        def asks(name: str) -> Callable[[float], object]:
            return lambda _: order.append(name) or True

        first = asyncio.create_task(reviews.decide(KEY, kubernetes))
        await asyncio.to_thread(kubernetes.began.acquire)
        names = ("a", "a", "a", "b", "b", "c")
        waiting = [asyncio.create_task(reviews.decide((name, at), asks(name))) for at, name in enumerate(names)]
        await asyncio.sleep(0)
        kubernetes.open.set()
        await asyncio.gather(first, *waiting)
        assert order == ["a", "b", "c", "a", "b", "a"]

    run(steps, threads=1)


def test_if_too_many_questions_wait_those_go_whose_caller_has_the_most() -> None:
    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        first = asyncio.create_task(reviews.decide(KEY, kubernetes))
        await asyncio.to_thread(kubernetes.began.acquire)
        greedy = [asyncio.create_task(reviews.decide((str(at % 20), at), kubernetes)) for at in range(40)]
        await asyncio.sleep(0)
        others = [asyncio.create_task(reviews.decide((f"user-{at}", ""), kubernetes)) for at in range(20)]
        await asyncio.sleep(0)
        kubernetes.open.set()
        assert set(await asyncio.gather(first, *others)) == {True}
        answers = await asyncio.gather(*greedy, return_exceptions=True)
        assert answers[:20] == [True] * 20
        assert all(isinstance(answer, CrowdedError) for answer in answers[20:])

    run(steps, threads=1, waiting=40)


def test_too_many_questions_are_no_outage_and_leave_no_answer_in_use_that_has_expired() -> None:
    """Otherwise a caller could keep a revoked right by sending many requests."""

    async def steps(reviews: ReviewEngine, kubernetes: Kubernetes, clock: Clock) -> None:
        assert await reviews.decide(("mallory", "team-a"), kubernetes) is True
        clock.now += FRESH
        kubernetes.open.clear()
        greedy = [asyncio.create_task(reviews.decide(("mallory", at), kubernetes)) for at in range(MOST_OF_ONE + 49)]
        await asyncio.sleep(0)
        # Kubernetes answers others meanwhile.
        assert await reviews.decide(("bob", "team-a"), lambda _: True) is True
        # It waits in the line until its deadline; the next one finds no place in it.
        with pytest.raises(CrowdedError, match="no decision within"):
            await reviews.decide(("mallory", "team-a"), kubernetes)
        again = [asyncio.create_task(reviews.decide(("mallory", -at), kubernetes)) for at in range(1, 100)]
        await asyncio.sleep(0)
        assert await reviews.decide(("carol", "team-a"), lambda _: True) is True
        with pytest.raises(CrowdedError, match="same caller wait"):
            await reviews.decide(("mallory", "team-a"), kubernetes)
        kubernetes.open.set()
        await asyncio.gather(*greedy, *again, return_exceptions=True)
        assert await reviews.decide(("dave", "team-a"), lambda _: True) is True

    run(steps, seconds=0.2)


def test_a_question_that_was_sent_late_shows_no_outage_by_taking_too_long() -> None:
    clock = Ticking()
    reviews = engine(clock, threads=1)
    flights = list[float]()

    def slow(seconds: float) -> object:
        flights.append(seconds)
        clock.now += seconds
        raise OutageError("timed out")

    async def steps() -> None:
        started, go_on = threading.Event(), threading.Event()

        def first(_: float) -> object:
            started.set()
            go_on.wait(10)
            clock.now += DEADLINE * 0.8
            return True

        running = asyncio.create_task(reviews.decide(KEY, first))
        await asyncio.to_thread(started.wait, 10)
        late = asyncio.create_task(reviews.decide(("mallory", "team-a"), slow))
        await asyncio.sleep(0)
        go_on.set()
        assert await running is True
        with pytest.raises(OutageError):
            await late

    asyncio.run(steps())
    assert flights == [pytest.approx(DEADLINE * 0.2, abs=0.01)]
    # Sent in time, the same is an outage.
    assert reviews.decide_blocking(("bob", "team-a"), lambda _: True) is True
    with pytest.raises(OutageError, match=r"^timed out$"):
        reviews.decide_blocking(("carol", "team-a"), slow)
    with pytest.raises(OutageError, match="has not decided"):
        reviews.decide_blocking(("dave", "team-a"), lambda _: True)


def test_a_yes_that_has_expired_needs_an_outage_and_not_one_failure_among_answers() -> None:
    clock, kubernetes = Clock(), Kubernetes()
    reviews = known_yes(clock, kubernetes)

    def fails_while_others_are_answered(_: float) -> object:
        clock.now += 1
        assert reviews.decide_blocking(("bob", "team-a"), lambda _: True) is True
        raise OutageError("one connection was lost")

    with pytest.raises(OutageError):
        reviews.decide_blocking(KEY, fails_while_others_are_answered)


def test_a_single_failure_among_answers_stops_nobody() -> None:
    clock = Clock()
    breaker = Breaker(10, clock)
    clock.now += 1
    breaker.answered()
    breaker.failed(clock.now - 1, probe=False)
    assert breaker.closed


def test_pauses_grow_to_a_limit_and_are_random() -> None:
    pauses = list[list[float]]()
    for _ in range(20):
        clock = Clock()
        breaker, own = Breaker(1000, clock), list[float]()
        for attempt in range(8):
            breaker.failed(clock.now, probe=attempt > 0)
            start = clock.now
            while not breaker.admits():
                clock.now += 0.01
            own.append(clock.now - start)
        pauses.append(own)
    for attempt in range(8):
        middle = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
        waits = [own[attempt] for own in pauses]
        assert all(middle * 0.5 <= wait <= middle * 1.5 + 0.02 for wait in waits)
        assert len({round(wait, 2) for wait in waits}) > 5


def test_another_question_tries_again_if_the_first_is_lost() -> None:
    clock = Clock()
    breaker = Breaker(10, clock)
    breaker.failed(clock.now, probe=False)
    clock.now += PAUSE
    assert breaker.admits()
    assert not breaker.admits()
    clock.now += 10
    assert breaker.admits()


def test_the_least_recently_used_answers_are_forgotten_first_and_a_no_crowds_out_no_yes() -> None:
    clock = Clock()
    decisions = Decisions(FRESH, OUTAGE, entries=2, clock=clock)
    decisions.put(("a", ""), True, clock.now)  # noqa: FBT003 - an answer
    decisions.put(("b", ""), True, clock.now)  # noqa: FBT003 - an answer
    assert decisions.fresh(("a", "")) is True
    decisions.put(("c", ""), True, clock.now)  # noqa: FBT003 - an answer
    for number in range(100):
        decisions.put(("nobody", number), False, clock.now)  # noqa: FBT003 - an answer
    assert [decisions.fresh((name, "")) for name in "abc"] == [True, None, True]
    assert len(decisions) == 4


def test_a_later_answer_is_not_replaced_by_one_to_an_earlier_question() -> None:
    clock = Clock()
    decisions = Decisions(FRESH, OUTAGE, clock=clock)
    decisions.put(KEY, False, clock.now)  # noqa: FBT003 - an answer
    decisions.put(KEY, True, clock.now - 1)  # noqa: FBT003 - an answer
    assert decisions.fresh(KEY) is False
    assert decisions.lasting(KEY) is None
