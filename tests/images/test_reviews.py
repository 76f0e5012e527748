"""Access reviews: what is asked, remembered and shared."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from mlflow_platform_server import reviews
from mlflow_platform_server.reviews import AccessReviews, Decisions, ReviewFailedError, digest
from mlflow_platform_server.scope import Caller

from components.team import permissions

ALICE, BOB = Caller(user="alice@example.com", groups=("x",)), Caller(user="bob@example.com")


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class Kubernetes:
    """Answers yes in team-a, counts its reviews, and waits until it may answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.open = threading.Event()
        self.open.set()
        self.down = False

    def __call__(self, caller: Caller, namespace: str) -> bool:
        """Answer a review."""
        self.asked.append((caller.user, namespace))
        self.open.wait(5)
        if self.down:
            message = "down"
            raise ReviewFailedError(message)
        return namespace == "team-a"


def run(steps: Callable[[AccessReviews, Kubernetes, Clock], Coroutine[Any, Any, None]], **settings: float) -> None:
    async def go() -> None:
        kubernetes, clock = Kubernetes(), Clock()
        await steps(AccessReviews(kubernetes, Decisions(10, 100, clock), **settings), kubernetes, clock)

    asyncio.run(go())


def test_the_review_is_for_a_right_that_every_role_has() -> None:
    """Or members of a role without it would be locked out of their own workspace."""
    assert reviews.GROUP == permissions.API_GROUP
    assert reviews.RESOURCE in permissions.RESOURCES
    assert all(reviews.VERB in verbs for verbs in (*permissions.VERBS.values(), permissions.PROGRAM_VERBS))


def test_a_decision_is_remembered_for_its_time_and_for_its_caller_and_namespace_only() -> None:
    async def steps(judge: AccessReviews, kubernetes: Kubernetes, clock: Clock) -> None:
        for _ in range(2):
            assert await judge.allows(ALICE, "team-a")
            assert not await judge.allows(ALICE, "team-b")
            assert await judge.allows(BOB, "team-a")
        assert len(kubernetes.asked) == 3
        clock.now = 10
        assert await judge.allows(ALICE, "team-a")
        assert len(kubernetes.asked) == 4

    run(steps)


def test_requests_that_come_at_once_share_one_review() -> None:
    async def steps(judge: AccessReviews, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        requests = [asyncio.create_task(judge.allows(ALICE, "team-a")) for _ in range(20)]
        await asyncio.sleep(0.05)
        kubernetes.open.set()
        assert all(await asyncio.gather(*requests))
        assert len(kubernetes.asked) == 1

    run(steps)


def test_a_client_that_goes_away_does_not_end_the_review_of_the_others() -> None:
    async def steps(judge: AccessReviews, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        first, second = (asyncio.create_task(judge.allows(ALICE, "team-a")) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        kubernetes.open.set()
        assert await second
        assert len(kubernetes.asked) == 1

    run(steps)


def test_a_failure_is_not_remembered() -> None:
    async def steps(judge: AccessReviews, kubernetes: Kubernetes, clock: Clock) -> None:
        kubernetes.down = True
        for _ in range(2):
            with pytest.raises(ReviewFailedError):
                await judge.allows(ALICE, "team-a")
        kubernetes.down = False
        assert await judge.allows(ALICE, "team-a")
        assert (len(kubernetes.asked), clock.now) == (3, 0)

    run(steps)


def test_a_review_that_takes_too_long_has_failed() -> None:
    async def steps(judge: AccessReviews, kubernetes: Kubernetes, _: Clock) -> None:
        kubernetes.open.clear()
        with pytest.raises(ReviewFailedError, match="no decision"):
            await judge.allows(ALICE, "team-a")
        kubernetes.open.set()

    run(steps, timeout_seconds=0.05)


def test_the_least_recently_used_decisions_are_forgotten_first() -> None:
    decisions = Decisions(10, 2, Clock())
    decisions.put(("a", ""), allowed=True)
    decisions.put(("b", ""), allowed=False)
    assert decisions.get(("a", "")) is True
    decisions.put(("c", ""), allowed=True)
    assert len(decisions) == 2
    assert [decisions.get((name, "")) for name in "abc"] == [True, None, True]


def test_callers_are_the_same_only_if_kubernetes_decides_the_same_for_them() -> None:
    same = digest(Caller(user="u", groups=("a", "b")))
    assert same == digest(Caller(user="u", groups=("b", "a"), claimed_groups=("c",)))
    others = [
        Caller(user="u", groups=("a",)),
        Caller(user="u", groups=("a,b",)),
        Caller(user="ua", groups=("b",)),
        Caller(user="u", groups=("a", "b"), token="t"),  # noqa: S106 - not a secret
    ]
    assert len({same, *map(digest, others)}) == 5
