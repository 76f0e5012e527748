"""The number of requests that a team and a caller may have in flight."""

import random
from collections import Counter

import pytest
from mlflow_platform_server.demand import ASKING_SECONDS, Demand
from mlflow_platform_server.in_flight import LEAST, RESERVED_PART, InFlight, Seat

SIZES = [(13, 50), (50, 5), (125, 50), (500, 50), (500, 100)]


def entered(in_flight: InFlight, demand: Demand, team: str, caller: str, now: float = 0) -> list[Seat]:
    """The requests that are admitted."""
    seats = list[Seat]()
    while (seat := in_flight.enter(team, caller, demand, now)) is not None:
        seats.append(seat)
    return seats


@pytest.mark.parametrize(("capacity", "percent"), SIZES)
def test_a_caller_who_is_alone_may_have_three_quarters(capacity: int, percent: int) -> None:
    in_flight = InFlight(capacity=capacity, percent=percent)
    count = len(entered(in_flight, Demand(), "a", "x"))
    assert capacity * 3 // 4 <= count < capacity


@pytest.mark.parametrize(("capacity", "percent"), SIZES)
def test_teams_that_take_all_they_can_leave_room_for_every_further_one(capacity: int, percent: int) -> None:
    in_flight, demand = InFlight(capacity=capacity, percent=percent), Demand()
    for team in "abc":
        assert len(entered(in_flight, demand, team, "x")) >= LEAST
    for number in range(20):
        assert in_flight.enter(f"late-{number}", "x", demand, 0)
    assert in_flight.total <= capacity + LEAST * 23


def test_a_caller_who_takes_all_of_a_team_leaves_room_for_its_colleagues() -> None:
    in_flight, demand = InFlight(capacity=500, percent=50), Demand()
    in_flight.enter("b", "z", demand, 0)
    # The team has a share of 219.
    assert len(entered(in_flight, demand, "a", "x")) == 192
    assert len(entered(in_flight, demand, "a", "y")) == 14
    assert len(entered(in_flight, demand, "a", "w")) == 7


def test_a_caller_who_has_filled_a_team_while_it_was_alone_does_not_shut_out_its_colleagues_later() -> None:
    in_flight, demand = InFlight(capacity=500, percent=50), Demand()
    entered(in_flight, demand, "a", "x")
    in_flight.enter("b", "z", demand, 0)
    assert len(entered(in_flight, demand, "a", "y")) == LEAST


def test_a_caller_has_a_share_of_the_teams_while_colleagues_ask() -> None:
    in_flight, demand = InFlight(capacity=500, percent=50), Demand()
    in_flight.enter("b", "z", demand, 0)
    in_flight.enter("a", "y", demand, 0)
    assert len(entered(in_flight, demand, "a", "x")) == 96


def test_a_team_has_more_than_its_share_when_the_others_have_stopped() -> None:
    in_flight, demand = InFlight(capacity=500, percent=50), Demand()
    in_flight.leave(in_flight.enter("b", "z", demand, 0) or Seat(team="", caller=""))
    entered(in_flight, demand, "a", "x")
    entered(in_flight, demand, "a", "x", ASKING_SECONDS)
    assert in_flight.total == 384


@pytest.mark.parametrize("seed", range(40))
def test_generated_schedules_lose_no_request_and_refuse_nobody_with_few(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    capacity, percent = chance.choice(SIZES)
    in_flight, demand = InFlight(capacity=capacity, percent=percent), Demand()
    seats, now = list[Seat](), 0.0
    share = max(1, (capacity - max(1, capacity // RESERVED_PART)) * percent // 100)
    for _ in range(3000):
        now += chance.choice([0, 0.01, 1])
        if seats and chance.random() < 0.3:
            in_flight.leave(seats.pop(chance.randrange(len(seats))))
        else:
            team, caller = chance.choice("aaaaaaabbc"), chance.choice("xxxxxy")
            teams = Counter(seat.team for seat in seats)
            callers = Counter((seat.team, seat.caller) for seat in seats)
            others, free = demand.teams_until(team) > now, capacity - len(seats)
            seat = in_flight.enter(team, caller, demand, now)
            if seat is None:
                assert teams[team] >= min(LEAST, share)
                assert callers[team, caller] >= LEAST or teams[team] >= min(share, free)
            else:
                seats.append(seat)
                assert not others or teams[team] < share or callers[team, caller] < LEAST
        assert in_flight.total == len(seats) <= capacity + LEAST * 6
    for seat in seats:
        in_flight.leave(seat)
    assert in_flight.total == 0
    assert entered(in_flight, Demand(), "a", "x")
