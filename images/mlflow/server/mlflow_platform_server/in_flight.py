"""Requests in flight: the number that a team, and a caller in it, may have in a worker. A pure computation.

Each request holds a connection for as long as its client takes to send a body or to read an answer. A team may use all
idle connections, except the last ones. While other teams send requests, it may use its share; while other callers of
the team do, a caller may use a share of the team's. Nothing waits here: a request beyond a share is refused at once, so
that somebody with few requests always finds a connection, however long the requests of others last.
"""

from collections import Counter
from dataclasses import dataclass

from mlflow_platform_server.demand import Demand
from mlflow_platform_server.turns import less

# One of so many requests, and at least one, is only for those that have fewer than there is room for.
RESERVED_PART = 8
# Everybody may have so many: workers that share a port do not get equally many connections.
LEAST = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """The place of a request in flight."""

    team: str
    caller: str


class InFlight:
    """The requests of one worker process."""

    def __init__(self, *, capacity: int, percent: int) -> None:
        """`capacity` is the worker's part of the connections, `percent` the share of one team while others ask."""
        self.capacity = capacity
        self._percent = percent
        self.total = 0
        """Number of requests in flight."""

        self._teams = Counter[str]()
        self._callers = Counter[tuple[str, str]]()

    def enter(self, team: str, caller: str, demand: Demand, now: float) -> Seat | None:
        """Count a request; None if it is beyond a share. `demand` knows who else has asked lately."""
        demand.note(team, caller, now)
        others, colleagues = demand.teams_until(team) > now, demand.callers_until(team, caller) > now
        free, reserve = self.capacity - self.total, _reserve(self.capacity)
        held, own = self._teams[team], self._callers[team, caller]
        room = self._share(self.capacity) if others else self.capacity - reserve
        # Of a team beyond its share, those that have few: one caller alone may have brought it there.
        few = own < LEAST and free > reserve
        if not few and not self._may(held, free, room=self.capacity, others=others):
            return None
        if not self._may(own, room - held, room=room, others=colleagues):
            return None
        self.total += 1
        self._teams[team] += 1
        self._callers[team, caller] += 1
        return Seat(team=team, caller=caller)

    def leave(self, seat: Seat) -> None:
        """Note that a request has ended."""
        self.total -= 1
        less(self._teams, seat.team)
        less(self._callers, (seat.team, seat.caller))

    def _may(self, held: int, free: int, *, room: int, others: bool) -> bool:
        """True if a team or caller that holds `held` of `room` connections may have one more."""
        if held < min(LEAST, room):
            return True
        if free <= _reserve(room) and held >= free:
            return False
        return not others or held < self._share(room)

    def _share(self, room: int) -> int:
        return max(1, (room - _reserve(room)) * self._percent // 100)


def _reserve(room: int) -> int:
    return max(1, room // RESERVED_PART)
