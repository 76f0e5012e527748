"""Waiting requests: their tickets, the line of a team, and the lines of all teams together.

In the line of a team its callers take turns, so a caller with many waiting requests does not delay one with few.
"""

import asyncio
import contextlib
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(eq=False, kw_only=True, slots=True)
class Ticket:
    """A request in a line, or one whose turn has come."""

    team: str
    caller: str
    since: float
    """Time at which the request arrived."""

    begun: float = 0
    """Time at which its turn came."""

    granted: bool = False
    """True once its turn has come."""

    pushed_out: bool = False
    """True if the request lost its place to one of somebody with fewer waiting requests."""

    wake: Callable[[], object] | None = None
    """Called when the request is granted or pushed out, if it had to wait."""

    def grant(self) -> None:
        """Give the request its turn."""
        self.granted = True
        if self.wake is not None:
            self.wake()

    def push_out(self) -> None:
        """Tell the request that its turn will not come."""
        self.pushed_out = True
        if self.wake is not None:
            self.wake()


class ShareUsedUpError(Exception):
    """A team or a caller asks for more than its share, so a request does not get its turn in time."""

    def __init__(self, interval: float) -> None:
        super().__init__()
        self.interval = interval
        """Seconds between two turns of the team."""


class FullError(Exception):
    """Too many requests of others wait, or no request got its turn in time."""

    def __init__(self, interval: float) -> None:
        super().__init__()
        self.interval = interval
        """Seconds between two turns of the team, if others do not use more than their share."""


@dataclass(slots=True)
class Line:
    """The waiting requests of a team, in the order of their callers' turns."""

    _callers: OrderedDict[str, deque[Ticket]] = field(default_factory=OrderedDict[str, deque[Ticket]])
    _length: int = 0

    def __len__(self) -> int:
        return self._length

    def callers(self) -> Iterator[str]:
        """Callers with waiting requests, the next one first."""
        return iter(self._callers)

    def waiting(self, caller: str) -> int:
        """Number of a caller's waiting requests."""
        return len(self._callers.get(caller, ()))

    def ahead(self, caller: str) -> int:
        """Number of requests whose turn comes before that of a new one of this caller."""
        own = self.waiting(caller)
        return sum(min(len(waiting), own + (name != caller)) for name, waiting in self._callers.items())

    def put(self, ticket: Ticket) -> None:
        """Append a request to those of its caller."""
        self._callers.setdefault(ticket.caller, deque()).append(ticket)
        self._length += 1

    def longest(self) -> str:
        """The caller with the most waiting requests."""
        return max(self._callers, key=lambda caller: len(self._callers[caller]))

    def newest(self, caller: str) -> Ticket:
        """The last one of a caller's requests."""
        return self._callers[caller][-1]

    def take(self, caller: str) -> Ticket:
        """Remove and return a caller's first request; the caller's next turn comes after all others'."""
        waiting = self._callers.pop(caller)
        ticket = waiting.popleft()
        if waiting:
            self._callers[caller] = waiting
        self._length -= 1
        return ticket

    def drop(self, ticket: Ticket) -> None:
        """Remove a request that gives up."""
        waiting = self._callers[ticket.caller]
        waiting.remove(ticket)
        if not waiting:
            del self._callers[ticket.caller]
        self._length -= 1


def any_part() -> float:
    """A random part of a bound, from a half to the whole.

    Clients that were just served send the next request at once, and would always be before clients that were refused
    and come again later. So, once half of the bound is used, some new requests are refused: then all have the same
    chance.
    """
    return random.uniform(0.5, 1)  # noqa: S311 - not for secrets


class Lines:
    """The lines of all teams, in the order of the teams' turns, with a bounded number of requests.

    If there is no room, the longest line loses its newest request, so nobody with a short line is kept out.
    """

    def __init__(self, room: int, part: Callable[[], float] = any_part) -> None:
        """`part` returns the part of the room that a single team may use, anew for each request."""
        self._room = room
        self._part = part
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def teams(self) -> Iterator[tuple[str, Line]]:
        """Teams with waiting requests and their lines, the next team first."""
        return iter(self._lines.items())

    def line(self, team: str) -> Line:
        """A team's line; an empty one, which is not kept, if it has none."""
        return self._lines.get(team) or Line()

    def make_room(self, team: str, caller: str) -> bool:
        """Make room for a new request; False if its team's line, or its caller's part of the line, is the longest."""
        if len(self.line(team)) >= self._room * self._part():
            return False
        if self._length < self._room:
            return True
        longest = max(self._lines, key=lambda name: len(self._lines[name]))
        own, line = self.line(team), self._lines[longest]
        if len(own) >= len(line):
            longest, line = team, own
        most = line.longest() if line else caller
        if longest == team and own.waiting(caller) >= own.waiting(most):
            return False
        ticket = line.newest(most)
        self.drop(ticket)
        ticket.push_out()
        return True

    def put(self, ticket: Ticket) -> None:
        """Append a request."""
        self._lines.setdefault(ticket.team, Line()).put(ticket)
        self._length += 1

    def take(self, team: str, caller: str) -> Ticket:
        """Remove and return the caller's first request; the team's next turn comes after all others'."""
        ticket = self._lines[team].take(caller)
        self._lines.move_to_end(team)
        self._shrunk(team)
        return ticket

    def drop(self, ticket: Ticket) -> None:
        """Remove a request that gives up."""
        self._lines[ticket.team].drop(ticket)
        self._shrunk(ticket.team)

    def _shrunk(self, team: str) -> None:
        self._length -= 1
        if not self._lines[team]:
            del self._lines[team]


async def turn(ticket: Ticket, seconds: float) -> bool:
    """Wait for the turn of a request; False if it does not come, or not in time."""
    decided = asyncio.get_running_loop().create_future()
    ticket.wake = lambda: decided.done() or decided.set_result(None)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await decided
    # The turn may come in the same moment as the end of the wait.
    return ticket.granted
