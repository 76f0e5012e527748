"""The order in which requests get the slots of a worker."""

import random
from collections import Counter

import pytest
from mlflow_platform_server.demand import ASKING_SECONDS, Demand
from mlflow_platform_server.turns import Turns
from mlflow_platform_server.waiting import FullError, ShareUsedUpError, Ticket


def shared(slots: int = 16, *, percent: int = 50, room: int = 100) -> Turns:
    return Turns(slots=slots, percent=percent, wait_seconds=10, room=room, demand=Demand(), part=lambda: 1)


def held(turns: Turns, team: str, count: int, *, caller: str = "x", now: float = 0) -> list[Ticket]:
    return [turns.ask(team, caller, now) for _ in range(count)]


def test_a_team_that_is_alone_has_all_slots_but_the_reserved_ones() -> None:
    turns = shared()
    assert sum(ticket.granted for ticket in held(turns, "a", 50)) == 14


def test_another_team_finds_a_free_slot_at_once() -> None:
    turns = shared()
    held(turns, "a", 50)
    assert turns.ask("b", "y", 0).granted


def test_a_team_gets_no_more_than_its_share_once_others_ask() -> None:
    turns = shared()
    tickets = held(turns, "a", 50)
    turns.leave(turns.ask("b", "y", 0), 0)
    for ticket in tickets[:14]:
        turns.leave(ticket, 0.1)
    assert turns.held("a") == 8
    assert turns.free == 8


def test_a_team_gets_more_than_its_share_again_when_the_others_have_stopped() -> None:
    turns = shared()
    turns.leave(turns.ask("b", "y", 0), 0)
    tickets = held(turns, "a", 50)
    assert turns.held("a") == 8
    turns.leave(tickets[0], ASKING_SECONDS)
    assert turns.held("a") == 14


def test_it_is_known_when_a_waiting_request_may_have_a_slot_because_others_have_stopped() -> None:
    turns = shared()
    turns.leave(turns.ask("b", "y", 1), 1)
    turns.leave(turns.ask("a", "z", 2), 2)
    assert turns.next_turn(2) is None, "nobody waits"
    waits: list[float] = []
    turns.on_wait = lambda: waits.append(turns.next_turn(3) or 0)
    held(turns, "a", 50, now=3)
    assert turns.held("a") == 7
    assert set(waits) == {1 + ASKING_SECONDS}
    turns.grant(1 + ASKING_SECONDS)
    assert turns.held("a") == 7
    assert turns.next_turn(1 + ASKING_SECONDS) == 2 + ASKING_SECONDS
    turns.grant(2 + ASKING_SECONDS)
    assert turns.held("a") == 14
    assert turns.next_turn(2 + ASKING_SECONDS) is None


def test_a_free_slot_goes_to_the_team_that_holds_the_fewest() -> None:
    turns = shared(2)
    first = held(turns, "a", 1)[0]
    second = turns.ask("b", "y", 0)
    waiting = held(turns, "b", 5, caller="y")
    other = turns.ask("c", "z", 0)
    turns.leave(first, 0.1)
    assert other.granted
    assert not any(ticket.granted for ticket in waiting)
    turns.leave(second, 0.2)
    assert waiting[0].granted


def test_a_team_that_waits_first_but_holds_more_comes_later() -> None:
    turns = shared(percent=100)
    running = held(turns, "a", 14)
    earlier = turns.ask("a", "x", 0)
    held(turns, "b", 2, caller="y")
    later = turns.ask("b", "y", 0)
    for ticket in running[:3]:
        turns.leave(ticket, 0)
    assert (earlier.granted, later.granted) == (False, True)


def test_with_a_single_slot_teams_take_turns() -> None:
    turns = shared(1)
    running = turns.ask("a", "x", 0)
    tickets = [*held(turns, "a", 3), *held(turns, "b", 3)]
    order = ""
    for _ in range(6):
        turns.leave(running, 0)
        (running,) = [ticket for ticket in tickets if ticket.granted]
        tickets.remove(running)
        order += running.team
    assert order in {"ababab", "bababa"}


def test_a_caller_does_not_hold_all_slots_of_its_team_while_others_of_the_team_ask() -> None:
    turns = shared()
    turns.leave(turns.ask("a", "y", 0), 0)
    held(turns, "a", 20, caller="x")
    assert turns.ask("a", "y", 0).granted
    assert turns.held("a") == 8


@pytest.mark.parametrize("slots", [4, 8, 14])
def test_long_requests_of_two_teams_leave_a_slot_for_a_third(slots: int) -> None:
    turns = shared(slots)
    turns.leave(turns.ask("b", "y", 0), 0)
    held(turns, "a", 50)
    held(turns, "b", 50)
    assert turns.ask("c", "z", 0).granted


def test_a_request_that_would_wait_too_long_is_refused_and_hears_how_fast_its_team_is_served() -> None:
    turns = shared(2)
    for ticket in held(turns, "a", 1):
        turns.leave(ticket, 4)
    running = held(turns, "a", 1, now=4)
    held(turns, "a", 1, now=4)
    turns.leave(running[0], 8)
    with pytest.raises(ShareUsedUpError) as refusal:
        held(turns, "a", 10, now=8)
    assert refusal.value.interval == pytest.approx(4)


def test_idle_slots_are_those_that_nobody_holds_or_will_ask_for() -> None:
    turns = shared()
    assert turns.idle() == 14
    held(turns, "a", 4)
    turns.expect(3)
    assert turns.idle() == 7
    held(turns, "a", 30)
    assert turns.idle() == 0


@pytest.mark.parametrize("seed", range(40))
def test_generated_schedules_lose_no_slot_and_leave_none_idle(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    slots, percent = chance.choice([1, 2, 3, 8, 14]), chance.choice([1, 25, 50, 100])
    turns = shared(slots, percent=percent, room=chance.choice([3, 30]))
    now, running, waiting = 0.0, list[Ticket](), list[Ticket]()
    share, reserved = max(min(2, slots), slots * percent // 100), max(1, slots // 8) if slots > 1 else 0

    def settle(before: Counter[str]) -> None:
        for ticket in [ticket for ticket in waiting if ticket.granted]:
            waiting.remove(ticket)
            running.append(ticket)
            before[ticket.team] += 1
            # Both other teams ask all the time.
            assert now < 1 or before[ticket.team] <= share
        waiting[:] = [ticket for ticket in waiting if not ticket.pushed_out]
        assert turns.free == slots - len(running) >= 0
        assert turns.waiting == len(waiting)
        counts = Counter(ticket.team for ticket in running)
        callers = Counter((ticket.team, ticket.caller) for ticket in running)
        for ticket in waiting:
            full = turns.free <= (reserved if counts[ticket.team] else 0)
            own = counts[ticket.team] >= share or callers[ticket.team, ticket.caller] >= max(1, share - 1)
            assert full or own, "a request waits while a slot is free for it"

    for team in "abc":
        turns.leave(turns.ask(team, "x", now), now)
    for _ in range(600):
        now += chance.choice([0, 0.001, 0.05])
        before = Counter(ticket.team for ticket in running)
        action = chance.random()
        if action < 0.4 and running:
            ticket = running.pop(chance.randrange(len(running)))
            before[ticket.team] -= 1
            turns.leave(ticket, now)
        elif action < 0.5 and waiting:
            turns.withdraw(waiting.pop(chance.randrange(len(waiting))))
        else:
            try:
                waiting.append(turns.ask(chance.choice("aaaabbc"), chance.choice("xy"), now))
            except (ShareUsedUpError, FullError):
                continue
        settle(before)
    while running:
        turns.leave(running.pop(), now)
        settle(Counter(ticket.team for ticket in running))
    assert not waiting
    assert turns.free == slots
