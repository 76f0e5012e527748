"""The rates of teams and callers, on a clock that the tests move."""

import random
from collections import defaultdict, deque

import pytest
from mlflow_platform_server import pacing
from mlflow_platform_server.demand import ASKING_SECONDS, Demand
from mlflow_platform_server.pacing import BURST_SECONDS, Pacing
from mlflow_platform_server.waiting import FullError, ShareUsedUpError, Ticket

RATE = 10
BURST = RATE * BURST_SECONDS


def paced(*, idle: int = 100, room: int = 100, wait_seconds: float = 10, caller_rate: float = 1000) -> Pacing:
    return Pacing(
        team_rate=RATE,
        caller_rate=caller_rate,
        wait_seconds=wait_seconds,
        room=room,
        demand=Demand(),
        idle=lambda: idle,
        part=lambda: 1,
    )


def granted(pace: Pacing, team: str, now: float, *, count: int, caller: str = "x") -> int:
    return sum(pace.ask(team, caller, now).granted for _ in range(count))


def test_a_team_that_is_alone_is_not_limited() -> None:
    assert granted(paced(), "a", 0, count=1000) == 1000


def test_a_team_beyond_its_rate_waits_while_another_one_asks() -> None:
    pace = paced()
    pace.ask("b", "y", 0)
    assert granted(pace, "a", 0, count=30) == BURST
    assert pace.waiting == 30 - BURST
    assert pace.ask("b", "y", 0).granted


def test_a_held_request_goes_when_its_token_is_due() -> None:
    pace = paced()
    pace.ask("b", "y", 0)
    granted(pace, "a", 0, count=BURST)
    first, second = pace.ask("a", "x", 0), pace.ask("a", "x", 0)
    assert pace.next_turn() == pytest.approx(1 / RATE)
    pace.grant(1 / RATE + 1e-9)
    assert (first.granted, second.granted) == (True, False)


def test_held_requests_go_at_once_when_nobody_else_asks_any_more() -> None:
    pace = paced()
    pace.ask("b", "y", 0)
    granted(pace, "a", 0, count=BURST)
    now = ASKING_SECONDS - 0.01
    held = [pace.ask("a", "x", now - (now % 0.001)) for _ in range(50)]
    pace.grant(ASKING_SECONDS)
    assert all(ticket.granted for ticket in held)


def test_a_team_that_is_alone_keeps_its_rate_while_no_slot_is_idle() -> None:
    pace = paced(idle=0)
    assert granted(pace, "a", 0, count=30) == BURST


def test_no_more_requests_are_let_go_beyond_the_rate_than_there_are_idle_slots() -> None:
    idle = 0
    pace = Pacing(
        team_rate=RATE, caller_rate=1000, wait_seconds=10, room=100, demand=Demand(), idle=lambda: idle, part=lambda: 1
    )
    granted(pace, "a", 0, count=30)
    idle = 3
    pace.grant(0)
    assert pace.waiting == 30 - BURST - 3


def test_what_a_team_used_beyond_its_rate_while_it_was_alone_is_no_debt() -> None:
    pace = paced()
    granted(pace, "a", 0, count=1000)
    pace.ask("b", "y", 0)
    held = pace.ask("a", "x", 0)
    pace.grant(1 / RATE + 1e-9)
    assert held.granted


@pytest.mark.parametrize(("seconds", "tokens"), [(0.05, 1), (0.1, 1), (0.3, 3), (30, pacing.MOST_TOKENS)])
def test_a_request_that_works_long_counts_for_several(seconds: float, tokens: int) -> None:
    pace = paced()
    pace.ask("b", "y", 0)
    pace.charge(pace.ask("a", "x", 0), seconds, 0)
    assert granted(pace, "a", 0, count=BURST) == BURST - tokens


def test_what_a_team_owes_is_bounded() -> None:
    pace = paced()
    tickets = [pace.ask("a", "x", 0) for _ in range(50)]
    for ticket in tickets:
        pace.charge(ticket, 30, 0)
    pace.ask("b", "y", 0)
    held = pace.ask("a", "x", 0)
    pace.grant(1 + 1 / RATE)
    assert held.granted


def test_a_caller_beyond_its_rate_does_not_delay_another_one_of_the_team() -> None:
    pace = paced(caller_rate=RATE)
    pace.ask("a", "y", 0)
    assert granted(pace, "a", 0, count=50, caller="x") == BURST
    assert pace.ask("a", "y", 0).granted


def test_callers_of_a_team_beyond_its_rate_take_turns() -> None:
    pace = paced()
    pace.ask("b", "y", 0)
    granted(pace, "a", 0, count=60, caller="x")
    modest = pace.ask("a", "z", 0)
    pace.grant(2 / RATE + 1e-9)
    assert modest.granted


def test_a_request_that_would_wait_too_long_is_refused_at_once() -> None:
    pace = paced(wait_seconds=1)
    pace.ask("b", "y", 0)
    with pytest.raises(ShareUsedUpError) as refusal:
        granted(pace, "a", 0, count=100)
    assert pace.waiting <= RATE
    assert refusal.value.interval == pytest.approx(1 / RATE)


def test_a_caller_with_few_requests_pushes_one_out_of_a_full_line() -> None:
    pace = paced(room=20)
    pace.ask("b", "y", 0)
    held = [pace.ask("a", "x", 0) for _ in range(BURST + 10)][BURST:]
    granted(pace, "b", 0, count=BURST - 1)
    held += [pace.ask("b", "y", 0) for _ in range(10)]
    modest = pace.ask("c", "z", 0)
    assert modest.granted
    granted(pace, "c", 0, count=BURST - 1)
    assert not pace.ask("c", "z", 0).granted
    assert sum(ticket.pushed_out for ticket in held) == 1
    assert pace.waiting == 20


def test_a_team_with_nothing_in_a_full_line_of_equals_hears_that_the_server_is_full() -> None:
    pace = paced(room=2)
    for team in ("a", "b", "c"):
        granted(pace, team, 0, count=BURST)
    pace.ask("a", "x", 0)
    pace.ask("b", "x", 0)
    pace.ask("c", "x", 0)
    assert pace.waiting == 2
    with pytest.raises(ShareUsedUpError):
        pace.ask("c", "x", 0)


def test_buckets_are_remembered_for_a_bounded_number_of_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "TEAMS", 5)
    pace = paced()
    for number in range(100):
        pace.ask(f"team-{number}", "x", 0)
    assert len(pace) == 5


def keeps_rate(times: list[float]) -> bool:
    """True if no interval between two turns has more turns than the rate and one burst allow."""
    return all(
        last - first < BURST + RATE * (times[last] - times[first]) + 1
        for first in range(0, len(times), 7)
        for last in range(first, len(times), 5)
    )


@pytest.mark.parametrize("seed", range(40))
def test_generated_schedules_keep_every_promise(seed: int) -> None:
    """While others ask, no team exceeds its rate; nobody waits without a reason, is forgotten, or is overtaken."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    now, tickets = 0.0, list[Ticket]()
    pace = paced(idle=chance.choice([0, 2, 100]), room=chance.choice([5, 50]), caller_rate=chance.choice([5, 1000]))
    grants: dict[str, list[float]] = defaultdict(list)
    order: dict[tuple[str, str], deque[Ticket]] = defaultdict(deque)

    def settle() -> None:
        pace.grant(now)
        for ticket in [ticket for ticket in tickets if ticket.granted]:
            tickets.remove(ticket)
            grants[ticket.team].append(now)
            line = order[ticket.team, ticket.caller]
            assert line.popleft() is ticket
        for ticket in [ticket for ticket in tickets if ticket.pushed_out]:
            tickets.remove(ticket)
            order[ticket.team, ticket.caller].remove(ticket)
        assert pace.waiting == len(tickets)

    for _ in range(400):
        now += chance.choice([0, 0, 0.001, 0.05, 0.3])
        settle()
        if tickets and chance.random() < 0.1:
            ticket = tickets.pop(chance.randrange(len(tickets)))
            order[ticket.team, ticket.caller].remove(ticket)
            pace.withdraw(ticket)
        # Two teams ask all the time, so both stay limited.
        team, caller = chance.choice("ab"), chance.choice("xyz")
        try:
            ticket = pace.ask(team, caller, now)
        except (ShareUsedUpError, FullError):
            continue
        tickets.append(ticket)
        order[team, caller].append(ticket)
        settle()
    for times in grants.values():
        assert keeps_rate([time for time in times if time > ASKING_SECONDS])
    now += 100
    for _ in range(200):
        now += 1
        settle()
    assert not tickets
    assert pace.waiting == 0
    assert pace.next_turn() is None
