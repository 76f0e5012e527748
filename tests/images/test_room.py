"""Memory for bodies is shared: no caller holds all of it while others ask, and none waits for ever."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
import virtual_time
from mlflow_platform_server.refusals import TooLargeError
from mlflow_platform_server.room import MEBIBYTE, NoRoomError, Room

TOTAL = 32 * MEBIBYTE


class Body:
    """A request whose body takes memory part by part."""

    def __init__(self, room: Room, team: str, caller: str | None = None) -> None:
        self.room = room
        self.team = team
        self.caller = caller or f"somebody of {team}"
        self.given_up = False
        self.held = asyncio.Event()
        self.ended = asyncio.Event()
        self.refused = False

    def give_up(self) -> None:
        """End the request, because others need the memory."""
        self.given_up = True
        self.ended.set()

    async def send(self, *sizes: int, arrives: bool = False, pause: float = 0) -> None:
        """Take memory for each part, then hold it until the end."""
        with self.room.hold(self.team, self.caller, self.give_up) as hold:
            try:
                for size in sizes:
                    await self.room.grow(hold, size * MEBIBYTE)
                    await asyncio.sleep(pause)
            except NoRoomError:
                self.refused = True
                return
            hold.arriving = not arrives
            self.held.set()
            await self.ended.wait()


def room(percent: int = 50) -> Room:
    return Room(TOTAL, percent=percent, queue_seconds=10)


def played(scene: Callable[[Room, asyncio.TaskGroup], Awaitable[None]], percent: int = 50) -> None:
    """Run a scene; the memory has to be free afterwards."""

    async def play() -> None:
        shared = room(percent)
        async with asyncio.TaskGroup() as group:
            await scene(shared, group)
        assert shared.used == 0

    virtual_time.run(play())


def test_what_is_idle_anybody_may_use() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        bodies = [Body(shared, "team-a") for _ in range(2)]
        for body in bodies:
            group.create_task(body.send(8, 8))
        for body in bodies:
            await body.held.wait()
        assert shared.used == TOTAL
        for body in bodies:
            body.ended.set()

    played(scene)


def test_a_body_waits_for_room_and_gets_it_when_another_request_has_ended() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        first, second = Body(shared, "team-a"), Body(shared, "team-b")
        group.create_task(first.send(30, arrives=True))
        await first.held.wait()
        group.create_task(second.send(4))
        await asyncio.sleep(9)
        assert not second.held.is_set()
        first.ended.set()
        await second.held.wait()
        second.ended.set()

    played(scene)


def test_who_waits_longer_than_allowed_is_told_to_try_again() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        first, second = Body(shared, "team-a"), Body(shared, "team-b")
        group.create_task(first.send(30, arrives=True))
        await first.held.wait()
        waiting = group.create_task(second.send(4))
        await waiting
        assert second.refused
        assert asyncio.get_running_loop().time() == pytest.approx(10)
        first.ended.set()

    played(scene)


def test_the_wait_is_bounded_for_the_whole_body_and_not_for_each_part() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        first, second = Body(shared, "team-a"), Body(shared, "team-b")
        others = [Body(shared, "team-a") for _ in range(2)]
        for other in others:
            group.create_task(other.send(16, arrives=True))
            await other.held.wait()
        waiting = group.create_task(second.send(1, 16))
        await asyncio.sleep(7)
        others[0].ended.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        group.create_task(first.send(1, arrives=True))
        await waiting
        assert second.refused
        assert asyncio.get_running_loop().time() == pytest.approx(10)
        for other in (first, *others):
            other.ended.set()

    played(scene)


def test_bodies_that_never_end_are_given_up_for_another_team() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        stopped = [Body(shared, "team-a") for _ in range(4)]
        for body in stopped:
            group.create_task(body.send(8))
        for body in stopped:
            await body.held.wait()
        other = Body(shared, "team-b")
        group.create_task(other.send(8, 4))
        await other.held.wait()
        assert asyncio.get_running_loop().time() == 0
        # The last ones that came, and no more of them than needed.
        assert [body.given_up for body in stopped] == [False, False, True, True]
        for body in (other, *stopped):
            body.ended.set()

    played(scene)


def test_bodies_that_have_arrived_are_never_given_up() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        working = [Body(shared, "team-a") for _ in range(4)]
        for body in working:
            group.create_task(body.send(8, arrives=True))
            await body.held.wait()
        other = Body(shared, "team-b")
        await group.create_task(other.send(8))
        assert other.refused
        assert not any(body.given_up for body in working)
        for body in working:
            body.ended.set()

    played(scene)


def test_within_a_team_a_caller_makes_room_for_another_one() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        greedy = [Body(shared, "team-a", "mallory") for _ in range(4)]
        for body in greedy:
            group.create_task(body.send(8))
        other = Body(shared, "team-a", "alice")
        group.create_task(other.send(8))
        await other.held.wait()
        assert sum(body.given_up for body in greedy) == 1
        for body in (other, *greedy):
            body.ended.set()

    played(scene)


def test_a_caller_in_many_teams_does_not_hold_more_than_one_in_one_team() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        greedy = [Body(shared, f"team-{n}", "mallory") for n in range(8)]
        for body in greedy:
            group.create_task(body.send(4))
        other = Body(shared, "team-b", "alice")
        group.create_task(other.send(3))
        await other.held.wait()
        for body in (other, *greedy):
            body.ended.set()

    played(scene)


def test_who_is_beyond_the_share_gets_no_more_while_others_wait() -> None:
    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        first = [Body(shared, "team-a") for _ in range(3)]
        for body in first:
            group.create_task(body.send(8, arrives=True))
            await body.held.wait()
        large = Body(shared, "team-b")
        group.create_task(large.send(12))
        await asyncio.sleep(1)
        fourth = Body(shared, "team-a")
        group.create_task(fourth.send(4))
        await asyncio.sleep(1)
        # There is room for it, but the other team has been waiting for that.
        assert not fourth.held.is_set()
        first[0].ended.set()
        await large.held.wait()
        for body in (large, fourth, *first):
            body.ended.set()

    played(scene)


def test_bodies_that_wait_for_each_other_do_not_wait_for_ever() -> None:
    """Each of three holds a third, and needs more: the last one is refused, and the first goes on at once."""

    async def scene(shared: Room, group: asyncio.TaskGroup) -> None:
        bodies = [Body(shared, f"team-{name}") for name in "abc"]
        for body in bodies:
            group.create_task(body.send(10, 6))
        await bodies[0].held.wait()
        assert asyncio.get_running_loop().time() == 0
        assert [body.refused for body in bodies] == [False, False, True]
        for body in bodies:
            body.ended.set()

    played(scene)


def test_a_body_that_can_never_fit_is_refused_at_once_as_too_large() -> None:
    async def scene(shared: Room, _: asyncio.TaskGroup) -> None:
        with shared.hold("team-a", "alice", lambda: None) as hold:
            await shared.grow(hold, 30 * MEBIBYTE)
            with pytest.raises(TooLargeError, match=r"32 MiB \(server\.bounds\.bodiesMebibytes"):
                await shared.grow(hold, 3 * MEBIBYTE)

    played(scene)


@pytest.mark.parametrize("seed", range(40))
def test_many_bodies_of_many_teams_all_get_an_answer_in_time_within_the_memory(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret

    async def play() -> None:
        shared, most = room(), 0

        async def one(body: Body, sizes: list[int], pause: float) -> None:
            nonlocal most
            sending = asyncio.create_task(body.send(*sizes, arrives=True, pause=pause))
            held = asyncio.create_task(body.held.wait())
            given_up = asyncio.create_task(body.ended.wait())
            await asyncio.wait((sending, held, given_up), return_when=asyncio.FIRST_COMPLETED)
            most = max(most, shared.used)
            if body.given_up:
                sending.cancel()
            else:
                await asyncio.sleep(pause)
                body.ended.set()
            held.cancel()
            given_up.cancel()
            await asyncio.gather(sending, return_exceptions=True)

        def body() -> Body:
            return Body(shared, f"team-{random_.randrange(4)}", f"caller-{random_.randrange(6)}")

        async with asyncio.timeout(200), asyncio.TaskGroup() as group:
            for _ in range(40):
                sizes = [random_.randrange(1, 4) for _ in range(random_.randrange(1, 6))]
                group.create_task(one(body(), sizes, random_.choice((0, 0.1, 1))))
        assert 0 < most <= TOTAL
        assert shared.used == 0

    virtual_time.run(play())
