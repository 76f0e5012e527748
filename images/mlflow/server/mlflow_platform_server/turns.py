"""Request slots of a worker: computes which request gets the next slot; `slots.py` waits for it.

The next slot goes to the team that holds the fewest, and in it to the caller that holds the fewest; equals take turns.
While other teams send requests, a team holds at most its share of the slots; while other callers of the team do, a
caller holds one less. A few slots are only for teams that hold none: long requests of a few teams cannot take all of
them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from mlflow_platform_server.demand import Demand
from mlflow_platform_server.pacing import EXPECTED_PART
from mlflow_platform_server.waiting import FullError, Lines, ShareUsedUpError, Ticket, any_part

_Key = TypeVar("_Key")

# One of so many slots, and at least one, is only for teams that hold none.
RESERVED_PART = 8
# A team has at least so many slots, or one long request would stop all others of its team.
LEAST_SHARE = 2
# Weight of the latest request in the mean time of a team's requests.
NEWEST_PART = 0.1


class Turns:
    """The slots of one worker process, and the requests that wait for one."""

    def __init__(
        self,
        *,
        slots: int,
        percent: int,
        wait_seconds: float,
        room: int,
        demand: Demand,
        part: Callable[[], float] = any_part,
    ) -> None:
        """`percent` is the share of a team while others ask; `room` the largest number of waiting requests.

        `part` returns the part of the longest wait that is acceptable, anew for each request.
        """
        self.on_leave: Callable[[Ticket, float], None] = lambda _, __: None
        """Called when a request has returned its slot, with the seconds for which it held the slot."""

        self.on_wait: Callable[[], None] = lambda: None
        """Called when a request begins to wait, because the result of `next_turn` may have changed."""

        self._free = slots
        self._reserved = max(1, slots // RESERVED_PART) if slots > 1 else 0
        self._team_share = max(min(LEAST_SHARE, slots), slots * percent // 100)
        self._caller_share = max(1, self._team_share - 1)
        self._demand = demand
        self._expected_seconds = wait_seconds * EXPECTED_PART
        self._part = part
        self._lines = Lines(room, part)
        self._expected = 0
        self._teams: Counter[str] = Counter()
        self._callers: Counter[tuple[str, str]] = Counter()
        # Mean time in seconds for which the requests of a team hold a slot.
        self._seconds: dict[str, float] = {}

    @property
    def free(self) -> int:
        """Number of free slots."""
        return self._free

    def idle(self) -> int:
        """Number of slots that nobody holds, waits for or will soon ask for, besides the reserved ones."""
        return 0 if self._lines else max(0, self._free - self._reserved - self._expected)

    def expect(self, requests: int) -> None:
        """Add `requests` to the number of expected requests; negative numbers subtract."""
        self._expected += requests

    @property
    def waiting(self) -> int:
        """Number of waiting requests."""
        return len(self._lines)

    def held(self, team: str) -> int:
        """Number of slots that a team holds."""
        return self._teams[team]

    def ask(self, team: str, caller: str, now: float) -> Ticket:
        """Make the ticket of a new request; it is granted if a slot is free, otherwise the request waits.

        Raises:
            ShareUsedUpError: the request would wait too long, or too many wait and most are of this team or caller.
            FullError: too many requests of others wait.
        """
        self._demand.note(team, caller, now)
        ticket = Ticket(team=team, caller=caller, since=now)
        if not self._lines.line(team).waiting(caller) and self._may(team, caller, now):
            self._take(ticket, now)
            return ticket
        interval = self.interval(team)
        if self._lines.line(team).ahead(caller) * interval > self._expected_seconds * self._part():
            raise ShareUsedUpError(interval)
        if not self._lines.make_room(team, caller):
            raise (ShareUsedUpError if self._lines.line(team) else FullError)(interval)
        self._lines.put(ticket)
        self.grant(now)
        if not ticket.granted:
            self.on_wait()
        return ticket

    def leave(self, ticket: Ticket, now: float) -> None:
        """Return the slot of a request, and grant free slots to the next ones."""
        self._free += 1
        seconds = self._seconds.get(ticket.team, now - ticket.begun)
        self._seconds[ticket.team] = seconds + NEWEST_PART * (now - ticket.begun - seconds)
        less(self._teams, ticket.team)
        less(self._callers, (ticket.team, ticket.caller))
        self.grant(now)
        if not self._teams[ticket.team]:
            del self._seconds[ticket.team]
        self.on_leave(ticket, now - ticket.begun)

    def interval(self, team: str) -> float:
        """Seconds between two turns of a team with waiting requests, by its latest requests; 0 if unknown."""
        return self._seconds.get(team, 0) / max(1, self._teams[team])

    def withdraw(self, ticket: Ticket) -> None:
        """Remove a request that gives up while it waits."""
        if not ticket.pushed_out:
            self._lines.drop(ticket)

    def grant(self, now: float) -> None:
        """Grant free slots to waiting requests."""
        while best := min(self._candidates(now), default=None):
            *_, team, caller = best
            self._take(self._lines.take(team, caller), now)

    def next_turn(self, now: float) -> float | None:
        """Time at which others may no longer count as active, so that a waiting request gets a free slot; or None."""
        if self._free <= 0:
            return None
        ends = [
            end
            for team, line in self._lines.teams()
            for end in (
                self._demand.teams_until(team),
                *(self._demand.callers_until(team, caller) for caller in line.callers()),
            )
        ]
        return min((end for end in ends if end > now), default=None)

    def is_full(self) -> bool:
        """True if no team could get a slot, so that requests do not wait because of their team's share."""
        return self._free == 0

    def _candidates(self, now: float) -> Iterator[tuple[int, int, int, int, str, str]]:
        """Requests that may have a slot, the best one the smallest."""
        for place, (team, line) in enumerate(self._lines.teams()):
            if self._team_may(team, now):
                for turn, caller in enumerate(line.callers()):
                    if self._caller_may(team, caller, now):
                        yield self._teams[team], place, self._callers[team, caller], turn, team, caller

    def _may(self, team: str, caller: str, now: float) -> bool:
        return self._team_may(team, now) and self._caller_may(team, caller, now)

    def _team_may(self, team: str, now: float) -> bool:
        held = self._teams[team]
        if self._free <= (self._reserved if held else 0):
            return False
        return held < self._team_share or not self._other_teams_ask(team, now)

    def _caller_may(self, team: str, caller: str, now: float) -> bool:
        held = self._callers[team, caller]
        return held < self._caller_share or not self._other_callers_ask(team, caller, held, now)

    def _other_teams_ask(self, team: str, now: float) -> bool:
        """True if another team has asked lately, or still holds slots or waits."""
        if self._demand.teams_until(team) > now:
            return True
        return len(self._teams) > (team in self._teams) or len(self._lines) > len(self._lines.line(team))

    def _other_callers_ask(self, team: str, caller: str, held: int, now: float) -> bool:
        if self._demand.callers_until(team, caller) > now:
            return True
        line = self._lines.line(team)
        return self._teams[team] > held or len(line) > line.waiting(caller)

    def _take(self, ticket: Ticket, now: float) -> None:
        ticket.begun = now
        self._free -= 1
        self._teams[ticket.team] += 1
        self._callers[ticket.team, ticket.caller] += 1
        ticket.grant()


def less(counter: Counter[_Key], key: _Key) -> None:
    """Count a key once less, and remove it at zero."""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
