"""Shares of units between teams and callers, in virtual time: by example, and in random schedules."""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import virtual_time
from mlflow_platform_server.shares import BusyError, Lease, Party, Shares, Terms

A, B, C = (Party(team=f"team-{name}", caller="someone") for name in "abc")


def caller(party: Party, name: str) -> Party:
    return Party(team=party.team, caller=name)


async def settle() -> None:
    """Let everything run that does not wait for time."""
    for _ in range(20):
        await asyncio.sleep(0)


def begin(coroutine: Coroutine[Any, Any, Lease]) -> asyncio.Task[Lease]:
    return asyncio.create_task(coroutine)


def test_a_team_that_is_alone_gets_all_that_is_idle() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=10, team_percent=50))
        leases = [await shares.take(A, seconds=1) for _ in range(10)]
        assert shares.free == 0
        for lease in leases:
            lease.release()
        assert shares.free == 10

    virtual_time.run(run())


def test_the_reserve_is_left_for_a_team_that_holds_nothing() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=10, reserve=4))
        for _ in range(6):
            await shares.take(A, seconds=1)
        with pytest.raises(BusyError):
            await shares.take(A, seconds=1)
        for _ in range(2):
            await shares.take(B, seconds=1)
        with pytest.raises(BusyError):
            await shares.take(B, seconds=1)
        await shares.take(C, seconds=1)
        assert shares.free == 1

    virtual_time.run(run())


def test_units_go_to_the_team_that_holds_least_and_in_it_to_the_caller_that_holds_least() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=4))
        held = [await shares.take(A, seconds=1) for _ in range(3)]
        held.append(await shares.take(B, seconds=1))
        order = list[str]()

        async def want(party: Party, name: str) -> Lease:
            lease = await shares.take(party, seconds=1000)
            order.append(name)
            return lease

        tasks = [
            begin(want(A, "the one of team-a")),
            begin(want(B, "the one of team-b")),
            begin(want(caller(B, "other"), "the other of team-b")),
            begin(want(C, "team-c")),
        ]
        await settle()
        for lease in held[:3]:
            lease.release()
            await settle()
        # Then team-a holds nothing, and team-b two.
        held[3].release()
        await asyncio.gather(*tasks)
        assert order == ["team-c", "the one of team-a", "the other of team-b", "the one of team-b"]

    virtual_time.run(run())


def test_a_large_request_is_not_overtaken_by_small_ones() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=4))
        held = [await shares.take(A, seconds=1) for _ in range(4)]
        large = begin(shares.take(B, 3, seconds=1000))
        await settle()
        small = begin(shares.take(A, seconds=1000))
        for lease in held[:2]:
            lease.release()
        await settle()
        assert (large.done(), small.done()) == (False, False)
        held[2].release()
        await settle()
        assert (large.done(), small.done()) == (True, False)
        (await large).release()
        await small

    virtual_time.run(run())


def test_a_request_that_waits_too_long_is_refused_and_leaves_no_trace() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=1))
        lease = await shares.take(A, seconds=1)
        with pytest.raises(BusyError):
            await shares.take(B, seconds=10)
        assert asyncio.get_running_loop().time() == pytest.approx(10)
        assert shares.waiting == 0
        lease.release()
        assert (shares.free, shares.faults()) == (1, [])

    virtual_time.run(run())


def test_a_cancelled_request_gives_back_what_it_was_granted_at_that_moment() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=1))
        lease = await shares.take(A, seconds=1)
        waiting = begin(shares.take(B, seconds=10))
        await settle()
        lease.release()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (shares.free, shares.waiting) == (1, 0)

    virtual_time.run(run())


def test_one_team_and_one_caller_leave_room_on_the_waiting_list() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=1, waiting=100))
        await shares.take(A, seconds=1)
        tasks = [begin(shares.take(A, seconds=1000)) for _ in range(1000)]
        tasks += [begin(shares.take(caller(A, "other"), seconds=1000)) for _ in range(10)]
        tasks += [begin(shares.take(B, seconds=1000)) for _ in range(5)]
        await settle()
        refused = [task.done() for task in tasks]
        assert sum(refused[:1000]) == 1000 - 34
        assert sum(refused[1000:1010]) < 10
        assert not any(refused[1010:])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert shares.waiting == 0

    virtual_time.run(run())


def revocable(lease: Lease, log: list[str], name: str) -> None:
    def ask() -> None:
        log.append(name)
        asyncio.get_running_loop().call_soon(lease.release)

    lease.revocable(ask)


def test_holders_beyond_their_share_without_progress_are_asked_to_give_back_for_another_team() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=4, team_percent=50, idle_seconds=20))
        log = list[str]()
        leases = [await shares.take(A, seconds=1) for _ in range(4)]
        for number, lease in enumerate(leases):
            revocable(lease, log, f"lease {number}")
        await asyncio.sleep(30)
        for lease in (leases[0], leases[1], leases[3]):
            lease.progress()
        first = await shares.take(B, seconds=10)
        assert log == ["lease 2"]
        assert asyncio.get_running_loop().time() == pytest.approx(30, abs=0.1), "the idle one is ended at once"
        second = await shares.take(B, seconds=10)
        assert log == ["lease 2", "lease 0"]
        assert asyncio.get_running_loop().time() == pytest.approx(35, abs=0.1), "one that moves is given some time"
        with pytest.raises(BusyError):
            await shares.take(B, seconds=10)
        assert len(log) == 2, "team-a holds no more than its share now"
        first.release()
        second.release()

    virtual_time.run(run())


def test_nobody_is_asked_while_nobody_else_waits() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=2, team_percent=50, idle_seconds=20))
        log = list[str]()
        for number in range(2):
            revocable(await shares.take(A, seconds=1), log, f"lease {number}")
        await asyncio.sleep(10_000)
        assert log == []

    virtual_time.run(run())


def test_a_caller_that_holds_more_gives_way_to_another_one_of_its_team() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=4, team_percent=50))
        log = list[str]()
        for number in range(4):
            revocable(await shares.take(A, seconds=1), log, f"lease {number}")
        await shares.take(caller(A, "other"), seconds=10)
        await shares.take(caller(A, "other"), seconds=10)
        assert log == ["lease 0", "lease 1"]
        with pytest.raises(BusyError):
            await shares.take(caller(A, "other"), seconds=10)
        assert log == ["lease 0", "lease 1"], "both hold the same"

    virtual_time.run(run())


def test_two_teams_that_hold_everything_give_way_to_a_third() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=6, team_percent=50))
        log = list[str]()
        for number in range(3):
            revocable(await shares.take(A, seconds=1), log, f"a{number}")
            revocable(await shares.take(B, seconds=1), log, f"b{number}")
        await shares.take(C, seconds=10)
        await shares.take(C, seconds=10)
        assert sorted(log) == ["a0", "b0"]

    virtual_time.run(run())


def test_leases_that_all_wait_for_more_still_become_whole_one_after_the_other() -> None:
    async def run() -> None:
        shares = Shares(Terms(capacity=20, whole=8))
        done = list[int]()

        async def fill(number: int) -> None:
            with shares.lease(caller(A, str(number))) as lease:
                for _ in range(8):
                    await lease.grow(1, seconds=1000)
                    await asyncio.sleep(0)
                done.append(number)

        await asyncio.gather(*(fill(number) for number in range(50)))
        assert sorted(done) == list(range(50))
        assert shares.free == 20

    virtual_time.run(run())


@dataclass(slots=True)
class Schedule:
    """Random holders of a `Shares`, and their observations."""

    seed: int
    choose: random.Random = field(init=False)
    shares: Shares = field(init=False)
    granted: int = 0
    refused: int = 0
    longest: float = 0

    def __post_init__(self) -> None:
        self.choose = random.Random(self.seed)  # noqa: S311 - a seeded schedule
        whole = self.choose.choice([None, 4, 8])
        capacity = self.choose.randint(8, 40)
        self.shares = Shares(
            Terms(
                capacity=capacity,
                team_percent=self.choose.choice([25, 50, 100]),
                reserve=self.choose.choice([0, capacity // 8]),
                whole=whole,
                waiting=self.choose.choice([10, 1000]),
            )
        )

    async def holder(self, party: Party) -> None:
        """Take units in steps; at random, stop, be cancelled, or return some units."""
        clock = asyncio.get_running_loop().time
        choose = self.choose
        with self.shares.lease(party) as lease:
            try:
                async with asyncio.timeout(None) as deadline:
                    lease.revocable(partial(_reach, deadline))
                    whole = self.shares.terms.whole
                    step = choose.randint(1, 4)
                    for _ in range(choose.randint(1, (whole or step) // step)):
                        start = clock()
                        await lease.grow(step, seconds=choose.choice([5, 60]))
                        self.longest = max(self.longest, clock() - start)
                        self.granted += 1
                        self.check()
                        await asyncio.sleep(choose.choice([0, 0.1, 1, 30]))
                        if choose.random() < 0.2:
                            lease.release(choose.randint(0, lease.units))
                        lease.progress()
            except (BusyError, TimeoutError):
                self.refused += 1
        self.check()

    def check(self) -> None:
        """The sums are right, and no more than the capacity is held."""
        assert self.shares.faults() == []

    async def run(self) -> None:
        """Run holders of several teams, and cancel some."""
        tasks = list[asyncio.Task[None]]()
        for _ in range(150):
            party = Party(team=f"team-{self.choose.randint(0, 4)}", caller=f"{self.choose.randint(0, 2)}")
            tasks.append(asyncio.create_task(self.holder(party)))
            await asyncio.sleep(self.choose.choice([0, 0, 0.5]))
            if self.choose.random() < 0.1:
                self.choose.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() or task.exception() is None for task in tasks), tasks


@pytest.mark.parametrize("seed", range(25))
def test_in_any_schedule_no_more_than_the_capacity_is_held_and_nothing_that_is_free_is_kept_back(seed: int) -> None:
    schedule = Schedule(seed)
    virtual_time.run(schedule.run())
    shares = schedule.shares
    assert schedule.granted
    assert (shares.free, shares.waiting, shares.faults()) == (shares.terms.capacity, 0, [])
    assert schedule.longest <= 60


async def greedy(shares: Shares, party: Party, choose: random.Random) -> None:
    """Hold units for ever, continue slowly, and ask again as soon as they are taken away."""
    while True:
        with shares.lease(party) as lease:
            try:
                async with asyncio.timeout(None) as deadline:
                    lease.revocable(partial(_reach, deadline))
                    for _ in range(4):
                        await lease.grow(1, seconds=100)
                    while True:
                        await asyncio.sleep(choose.choice([1, 5, 1000]))
                        lease.progress()
            except (BusyError, TimeoutError):
                await asyncio.sleep(choose.choice([0, 0.1]))


def _reach(deadline: asyncio.Timeout) -> None:
    deadline.reschedule(asyncio.get_running_loop().time())


@pytest.mark.parametrize("seed", range(12))
def test_a_team_within_its_share_is_always_served_while_another_asks_for_everything(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - a seeded schedule
    reserve = choose.choice([0, 4])
    whole = choose.choice([None, 4])

    async def run() -> None:
        shares = Shares(Terms(capacity=32, team_percent=50, reserve=reserve, whole=whole))
        greed = [asyncio.create_task(greedy(shares, caller(A, str(number)), choose)) for number in range(12)]
        await asyncio.sleep(choose.choice([0, 10, 100]))
        for _ in range(8):
            leases = [await shares.take(B, 4, seconds=10) for _ in range(3)]
            await asyncio.sleep(choose.choice([0, 1, 50]))
            for lease in leases:
                lease.release()
        for task in greed:
            task.cancel()
        await asyncio.gather(*greed, return_exceptions=True)
        assert (shares.free, shares.faults()) == (32, [])

    virtual_time.run(run())
