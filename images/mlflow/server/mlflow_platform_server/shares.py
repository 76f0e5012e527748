"""Fair shares of a fixed amount, such as memory, threads or slots of a worker: between teams, then callers.

A team may use all idle units, except a reserve for teams that hold few. Waiting requests are served in this order: the
team that holds the fewest units, in it the caller that holds the fewest, then the oldest request. A team above its
share gives way to one that holds less: it waits for that one, and its leases without progress are asked to return their
units.

All calls belong to one event loop, whose clock is the only one.
"""

# A lease and its shares are two sides of one thing:
# pyright: reportPrivateUsage=false
import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlflow_platform_server.leases import BusyError, CallerUnits, Lease, Party, Request, TeamUnits

__all__ = ["BusyError", "Lease", "Party", "Shares", "Terms"]

# Pause in seconds after which a waiting request looks again for holders without progress.
RECHECK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """Amounts and times of a `Shares`."""

    capacity: int
    """Units in all."""

    team_percent: int = 100
    """Largest share of one team while others ask, in percent of the capacity without the reserve."""

    reserve: int = 0
    """Last units, for teams that hold few: a team gets some of them only if it then holds no more units than are free.
    A team without units gets one as long as any is free."""

    whole: int | None = None
    """Maximum units of a lease that grows in steps. The last units that an unfinished lease needs are kept for it, so
    that growing leases cannot deadlock. None: leases take all of their units at once."""

    waiting: int = 1000
    """Longest waiting list in requests."""

    idle_seconds: float = 20
    """Seconds after which a lease counts as without progress."""

    patience_seconds: float = 5
    """Seconds that a holder waits, in all its requests together, before even leases with progress are asked back."""


class Shares:
    """A number of units, of which at most `capacity` are held at any time."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.free = terms.capacity
        """Units that nobody holds."""
        self._teams = dict[str, TeamUnits]()
        self._sizes = Counter[int]()
        self._growing = dict[Lease, None]()
        self._waiting = 0
        self._turn = 0
        self._returning = 0

    def lease(self, party: Party) -> Lease:
        """Make a lease without units."""
        return Lease(self, party)

    async def take(self, party: Party, units: int = 1, *, seconds: float) -> Lease:
        """Take units, all at once; waits for them at most `seconds`.

        Raises:
            BusyError: the units did not become free in time.
        """
        lease = Lease(self, party, grows=False)
        await lease.grow(units, seconds=seconds)
        return lease

    def held(self, team: str) -> int:
        """Units that a team holds."""
        return self._teams[team].held if team in self._teams else 0

    def share(self) -> int:
        """Units that each team may hold now: the maximum, or an equal part if there are too many teams for that."""
        units = self.terms.capacity - self.terms.reserve
        return min(units * self.terms.team_percent // 100, units // max(1, len(self._teams)))

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return self._waiting

    def faults(self) -> list[str]:
        """Contradictions in the records, for tests; empty if there are none."""
        terms, teams = self.terms, self._teams.values()
        held = {team.name: sum(caller.held for caller in team.callers.values()) for team in teams}
        checks = {
            "more is held than there is": self.free < 0,
            "the units do not add up": sum(held.values()) + self.free != terms.capacity,
            "a team's units are not those of its callers": held != {team.name: team.held for team in teams},
            "an empty team is kept": not all(team.held or team.waiting for team in teams),
            "no lease can become whole": terms.whole is not None and self.free < terms.whole - self._most(),
            "a request waits that can be granted": self._next() is not None,
            "units are expected that nobody holds": not 0 <= self._returning <= terms.capacity - self.free,
        }
        return [text for text, wrong in checks.items() if wrong]

    async def _wait(self, lease: Lease, units: int, seconds: float) -> None:
        if units > self.terms.capacity or (self.terms.whole is not None and lease.units + units > self.terms.whole):
            message = f"{units} units in addition to {lease.units} are never granted."
            raise ValueError(message)
        request = self._enqueue(lease, units)
        if request.done.done():
            return
        try:
            await self._granted(request, seconds)
        except BaseException:
            if request.done.done():
                # Granted at the moment at which the task was cancelled.
                lease.release(min(units, lease.units))
            else:
                self._forget(request)
                self._hand_over()
            raise

    def _enqueue(self, lease: Lease, units: int) -> Request:
        team, caller = self._place(lease.party)
        # The last places are for teams, and then callers, that wait for little.
        spare = self.terms.waiting - self._waiting
        if spare <= 0 or (team.waiting and team.waiting >= spare):
            self._drop_empty(team, caller)
            raise BusyError
        if caller.requests and len(caller.requests) >= spare - team.waiting:
            raise BusyError
        request = Request(lease=lease, units=units, team=team, caller=caller)
        lease.request = request
        caller.requests[request] = None
        team.waiting += 1
        self._waiting += 1
        self._hand_over()
        return request

    def _place(self, party: Party) -> tuple[TeamUnits, CallerUnits]:
        team = self._teams.get(party.team)
        if team is None:
            team = self._teams[party.team] = TeamUnits(name=party.team)
        caller = team.callers.get(party.caller)
        if caller is None:
            caller = team.callers[party.caller] = CallerUnits(name=party.caller)
        return team, caller

    def _drop_empty(self, team: TeamUnits, caller: CallerUnits) -> None:
        if not caller.held and not caller.requests:
            team.callers.pop(caller.name, None)
        if not team.callers:
            self._teams.pop(team.name, None)

    async def _granted(self, request: Request, seconds: float) -> None:
        """Wait until a request is granted; meanwhile ask others to return units beyond their share."""
        clock = asyncio.get_running_loop().time
        start = clock()
        while not request.done.done():
            left = start + seconds - clock()
            if left <= 0:
                raise BusyError
            waited = request.lease.waited + clock() - start
            self._reclaim(request, patient=waited < self.terms.patience_seconds)
            if not request.done.done():
                await asyncio.wait((request.done,), timeout=min(left, RECHECK_SECONDS))

    def _hand_over(self) -> None:
        """Grant waiting requests in order, as long as there are units."""
        while (request := self._next()) is not None:
            request.done.set_result(None)
            self._change(request.lease, request.units)
            self._forget(request)

    def _next(self) -> Request | None:
        """The request whose turn it is, if there are enough units for it.

        Smaller requests do not overtake it, or its turn might never come. Only the lease that is nearest to its maximum
        may, because all others may be waiting for its units.
        """
        teams = [team for team in self._teams.values() if team.waiting]
        if not teams:
            return None
        team = min(teams, key=lambda team: (team.held, team.turn))
        callers = (caller for caller in team.callers.values() if caller.requests)
        caller = min(callers, key=lambda caller: (caller.held, caller.turn))
        request = next(iter(caller.requests))
        return request if self._fits(request, self.free) else self._last_step()

    def _last_step(self) -> Request | None:
        """A waiting request of the lease that is nearest to its maximum. The units for it are always available."""
        most = self._most()
        return next((lease.request for lease in self._growing if lease.units == most and lease.request), None)

    def _fits(self, request: Request, free: int) -> bool:
        left = free - request.units
        if left < 0 or (left < self.terms.reserve and request.team.held + request.units > free):
            return False
        if self.terms.whole is None:
            return True
        units = request.lease.units + request.units if request.lease.grows else 0
        return left >= self.terms.whole - max(self._most(), units)

    def _most(self) -> int:
        """Units of the largest lease that grows."""
        return max(self._sizes, default=0)

    def _change(self, lease: Lease, units: int) -> None:
        """Add units to a lease, or take them from it."""
        team, caller = self._place(lease.party)
        in_steps = self.terms.whole is not None and lease.grows
        if in_steps:
            self._count(lease.units, -1)
            self._count(lease.units + units, 1)
        lease.units += units
        self.free -= units
        team.held += units
        caller.held += units
        if units > 0:
            self._turn += 1
            team.turn = caller.turn = self._turn
        if lease.asked_back:
            self._returning += units
        if in_steps:
            self._growing.pop(lease, None)
            if lease.units:
                self._growing[lease] = None
        if units > 0:
            lease.progress()
        else:
            lease.place()
        self._drop_empty(team, caller)

    def _count(self, units: int, change: int) -> None:
        if units:
            self._sizes[units] += change
            if not self._sizes[units]:
                del self._sizes[units]

    def _forget(self, request: Request) -> None:
        """Take a request from the waiting list."""
        del request.caller.requests[request]
        request.lease.request = None
        request.team.waiting -= 1
        self._waiting -= 1
        self._drop_empty(request.team, request.caller)

    def _reclaim(self, request: Request, *, patient: bool) -> None:
        """Ask holders above their share to return the units that a request lacks.

        At first only leases without progress are asked, after some time those with the oldest progress.
        """
        idle_seconds = self.terms.idle_seconds
        while not self._fits(request, self.free + self._returning):
            victims = self._victims(request, only_idle=patient)
            victim = next((lease for lease, only_idle in victims if not only_idle or lease.idle(idle_seconds)), None)
            if victim is None:
                return
            victim.ask_back()

    def _victims(self, request: Request, *, only_idle: bool) -> Iterator[tuple[Lease, bool]]:
        """Leases that may be asked for a request, for each caller the one with the oldest progress.

        They belong to other teams above their share, to callers of the team that hold more than the request's caller,
        and to that caller. The second value is True for leases that have to be without progress.
        """
        share = self.share()
        mine = request.team.held + request.units
        due = mine <= share or self._nearest(request)
        for team in sorted(self._teams.values(), key=lambda team: team.held, reverse=True):
            if team is not request.team and team.held > share and (due or team.held > mine):
                for lease in sorted(_stalest(team.callers.values()), key=lambda lease: lease.moved):
                    yield lease, only_idle or not due
        mine = request.caller.held + request.units
        over = [caller for caller in request.team.callers.values() if caller.held > mine]
        for lease in _stalest(sorted(over, key=lambda caller: caller.held, reverse=True)):
            yield lease, only_idle
        for lease in _stalest([request.caller]):
            yield lease, True

    def _nearest(self, request: Request) -> bool:
        """True if no waiting lease of the team is nearer to its maximum; otherwise leases could wait for each other."""
        if self.terms.whole is None or not request.lease.units:
            return False
        waiting = (other for caller in request.team.callers.values() for other in caller.requests)
        return request.lease.units >= max(other.lease.units for other in waiting)


def _stalest(callers: Iterable[CallerUnits]) -> list[Lease]:
    """For each caller, the lease with the oldest progress, without leases that cannot be asked now."""
    stalest = (next((lease for lease in caller.leases if lease.ask is not None), None) for caller in callers)
    return [lease for lease in stalest if lease is not None]
