"""Deliveries of webhooks run in a few threads, which a team with slow receivers cannot occupy alone."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

import pytest
from mlflow_platform_server.webhook_queue import DeliveryQueue, DroppedError

LONGEST_SECONDS = 10
T = TypeVar("T")


@contextmanager
def hanging(queue: DeliveryQueue, workspace: str, number: int) -> Generator[list[Future[None]]]:
    """Deliveries that hang until the end of the block; `number` of them have begun when it starts."""
    end = threading.Event()
    begun = threading.Semaphore(0)

    def hang() -> None:
        begun.release()
        end.wait()

    deliveries = [queue.submit(workspace, hang) for _ in range(number)]
    try:
        for _ in range(number):
            assert begun.acquire(timeout=LONGEST_SECONDS)
        yield deliveries
    finally:
        end.set()


def result(future: "Future[T]") -> T:
    return future.result(LONGEST_SECONDS)


def test_a_delivery_runs_in_a_thread_of_the_queue() -> None:
    queue = DeliveryQueue()
    assert result(queue.submit("team-a", threading.current_thread)) is not threading.current_thread()


def test_the_error_of_a_delivery_reaches_whoever_waits_for_it_and_ends_no_thread() -> None:
    queue = DeliveryQueue(threads=1)

    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - its own
        result(queue.submit("team-a", fail))
    assert result(queue.submit("team-a", lambda: "done")) == "done"


def test_receivers_of_one_team_that_hang_leave_threads_to_the_others() -> None:
    queue = DeliveryQueue(threads=4)
    with hanging(queue, "team-a", 2):
        more = [queue.submit("team-a", lambda: None) for _ in range(20)]
        assert result(queue.submit("team-b", lambda: "done")) == "done"
        assert not any(one.done() for one in more), "team-a has its share already"
    assert [result(one) for one in more] == [None] * 20


def test_teams_that_wait_take_turns() -> None:
    queue, order = DeliveryQueue(threads=1), list[str]()

    def note(team: str) -> Callable[[], None]:
        return lambda: order.append(team)

    with hanging(queue, "team-a", 1):
        waiting = [queue.submit(team, note(team)) for team in ("a", "a", "a", "b", "b", "c")]
    for one in waiting:
        result(one)
    assert order == ["a", "b", "c", "a", "b", "a"]


def test_a_full_list_drops_the_oldest_delivery_of_the_team_that_fills_it(caplog: pytest.LogCaptureFixture) -> None:
    queue = DeliveryQueue(threads=1, most_waiting=5)
    with hanging(queue, "team-c", 1):
        ours = [queue.submit("team-a", lambda: "done") for _ in range(2)]
        theirs = [queue.submit("team-b", lambda: "done") for _ in range(6)]
        for dropped in theirs[:3]:
            with pytest.raises(DroppedError):
                result(dropped)
    assert [result(one) for one in (*ours, *theirs[3:])] == ["done"] * 5
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "Dropped the oldest waiting webhook delivery of workspace team-b"
    ] * 3


def test_the_list_is_bounded_by_the_size_of_its_bodies_too() -> None:
    queue = DeliveryQueue(threads=1, most_waiting_bytes=100)
    with hanging(queue, "team-c", 1):
        small = queue.submit("team-a", lambda: "done", size=10)
        large = [queue.submit("team-b", lambda: "done", size=60) for _ in range(2)]
        with pytest.raises(DroppedError):
            result(large[0])
    assert [result(small), result(large[1])] == ["done", "done"]


def test_a_delivery_that_nobody_waits_for_any_more_is_left_out() -> None:
    queue, ran = DeliveryQueue(threads=1), threading.Event()
    with hanging(queue, "team-a", 1):
        late = queue.submit("team-a", ran.set)
        assert late.cancel()
    result(queue.submit("team-a", lambda: None))
    assert not ran.is_set()


def test_dropping_a_delivery_that_was_given_up_is_no_error_of_whoever_fills_the_list(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = DeliveryQueue(threads=1, most_waiting=2)
    with hanging(queue, "team-a", 1):
        given_up = [queue.submit("team-a", lambda: "done") for _ in range(2)]
        assert all(one.cancel() for one in given_up)
        others = [queue.submit("team-b", lambda: "done") for _ in range(2)]
    assert [result(one) for one in others] == ["done", "done"]
    assert not caplog.records, "nothing was lost"
