"""Rates of teams and callers: computes when the turn of a request comes; `rates.py` waits for it.

A team has a token bucket, and so has each of its callers. An empty bucket delays requests only while others send
requests (other teams for the team's bucket, other callers of the team for the caller's) or while no slot is idle. So
anybody may use idle capacity, and requests beyond it wait here, where they hold no body.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mlflow_platform_server.demand import Demand
from mlflow_platform_server.waiting import FullError, Lines, ShareUsedUpError, Ticket, any_part

# A bucket holds the requests of as many seconds: a page of MLflow sends up to 20 requests at once.
BURST_SECONDS = 1
# A request counts for one token, and for one more with each 1/rate seconds that it works longer than that, up to so
# many: a team cannot keep a slow worker busy with its rate alone. One search of half a minute is still a single request
# more or less, and does not stop its team.
MOST_TOKENS = 5
# Teams, and callers of each team, whose buckets are remembered; the least recently used are forgotten first.
TEAMS = 1000
CALLERS = 100
# Part of the longest wait that a new request may expect. Those of callers with fewer requests still go before it.
EXPECTED_PART = 0.8


class Bucket:
    """Token bucket, kept as the time at which it is full again."""

    __slots__ = ("_burst", "_full_at", "interval")

    def __init__(self, rate: float) -> None:
        self.interval = 1 / rate
        self._burst = max(0.0, BURST_SECONDS - self.interval)
        self._full_at = -math.inf

    def due(self) -> float:
        """Time of the next token."""
        return self._full_at - self._burst

    def take(self, now: float) -> None:
        """Take a token. An empty bucket stays empty: requests beyond the rate leave no debt."""
        self._full_at = min(max(self._full_at, now), now + self._burst) + self.interval

    def charge(self, seconds: float, now: float) -> None:
        """Take further tokens for a request that has worked for `seconds`; a debt of up to a second is possible."""
        tokens = min(MOST_TOKENS, seconds / self.interval) - 1
        if tokens > 0:
            self._full_at = min(max(self._full_at, now) + tokens * self.interval, now + self._burst + 1)


@dataclass(slots=True)
class _Team:
    bucket: Bucket
    callers: OrderedDict[str, Bucket] = field(default_factory=OrderedDict[str, Bucket])


class Pacing:
    """The rates of one worker process. Times are in seconds of any clock; they never go back."""

    def __init__(
        self,
        *,
        team_rate: float,
        caller_rate: float,
        wait_seconds: float,
        room: int,
        demand: Demand,
        idle: Callable[[], int],
        part: Callable[[], float] = any_part,
    ) -> None:
        """Rates are in requests per second.

        `room` is the largest number of waiting requests of all teams, `idle` returns the number of idle slots, and
        `part` the part of the longest wait that is acceptable, anew for each request.
        """
        self._team_rate = team_rate
        self._caller_rate = caller_rate
        self._expected_seconds = wait_seconds * EXPECTED_PART
        self._demand = demand
        self._idle = idle
        self._part = part
        self._lines = Lines(room, part)
        self._teams: OrderedDict[str, _Team] = OrderedDict()

    def __len__(self) -> int:
        """Number of teams whose buckets are remembered."""
        return len(self._teams)

    @property
    def waiting(self) -> int:
        """Number of waiting requests."""
        return len(self._lines)

    def ask(self, team: str, caller: str, now: float) -> Ticket:
        """Make the ticket of a new request; it is granted at once, or the request waits for its turn.

        Raises:
            ShareUsedUpError: the request would wait too long, or too many wait and most are of this team or caller.
            FullError: too many requests of others wait.
        """
        self._demand.note(team, caller, now)
        ticket = Ticket(team=team, caller=caller, since=now)
        if not self._lines.line(team) and self._due(team, caller, idle=self._idle()) <= now:
            self._take(ticket, now)
            return ticket
        if self._wait(team, caller, now) > self._expected_seconds * self._part():
            raise ShareUsedUpError(self.interval(team))
        if not self._lines.make_room(team, caller):
            raise (ShareUsedUpError if self._lines.line(team) else FullError)(self.interval(team))
        self._lines.put(ticket)
        self._grant(team, now)
        return ticket

    def interval(self, team: str) -> float:
        """Seconds between two turns of a team beyond its rate."""
        return self._state(team).bucket.interval

    def withdraw(self, ticket: Ticket) -> None:
        """Remove a request that gives up while it waits."""
        if not ticket.pushed_out:
            self._lines.drop(ticket)

    def grant(self, now: float) -> None:
        """Grant all tickets whose turn has come."""
        for team in [team for team, _ in self._lines.teams()]:
            self._grant(team, now)

    def charge(self, ticket: Ticket, seconds: float, now: float) -> None:
        """Note that a request has ended, which worked for `seconds`."""
        state = self._state(ticket.team)
        state.bucket.charge(seconds, now)
        self._bucket(state, ticket.caller).charge(seconds, now)

    def next_turn(self) -> float | None:
        """Time at which the next turn comes if nothing else happens; None if no request waits."""
        idle = self._idle()
        return min((due for team, _ in self._lines.teams() for due, _ in self._dues(team, idle)), default=None)

    def _grant(self, team: str, now: float) -> None:
        # Those that are granted here reach their slots later.
        idle = self._idle()
        while caller := next((caller for due, caller in self._dues(team, idle) if due <= now), None):
            idle -= 1
            self._take(self._lines.take(team, caller), now)

    def _take(self, ticket: Ticket, now: float) -> None:
        state = self._state(ticket.team)
        state.bucket.take(now)
        self._bucket(state, ticket.caller).take(now)
        ticket.grant()

    def _dues(self, team: str, idle: int) -> Iterator[tuple[float, str]]:
        for caller in self._lines.line(team).callers():
            yield self._due(team, caller, idle=idle), caller

    def _due(self, team: str, caller: str, *, idle: int) -> float:
        """Time at which a request of the caller may go: both buckets have a token, or may be empty."""
        state = self._state(team)
        token = state.bucket.due(), self._bucket(state, caller).due()
        if idle <= 0:
            return max(token)
        alone = self._demand.teams_until(team), self._demand.callers_until(team, caller)
        return max(map(min, token, alone))

    def _wait(self, team: str, caller: str, now: float) -> float:
        """Seconds until the turn of a new request, if the others continue to send requests."""
        state, line, wait = self._state(team), self._lines.line(team), 0.0
        if self._demand.teams_until(team) > now:
            wait = state.bucket.due() - now + line.ahead(caller) * state.bucket.interval
        if self._demand.callers_until(team, caller) > now:
            bucket = self._bucket(state, caller)
            wait = max(wait, bucket.due() - now + line.waiting(caller) * bucket.interval)
        return wait

    def _state(self, team: str) -> _Team:
        state = self._teams.get(team)
        if state is None:
            state = self._teams[team] = _Team(Bucket(self._team_rate))
            if len(self._teams) > TEAMS:
                self._teams.popitem(last=False)
        self._teams.move_to_end(team)
        return state

    def _bucket(self, state: _Team, caller: str) -> Bucket:
        bucket = state.callers.get(caller)
        if bucket is None:
            bucket = state.callers[caller] = Bucket(self._caller_rate)
            if len(state.callers) > CALLERS:
                state.callers.popitem(last=False)
        state.callers.move_to_end(caller)
        return bucket
