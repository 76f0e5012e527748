"""Memory for request bodies: one amount for each worker process, shared by teams and callers.

A request takes memory as its body arrives, and returns it when its answer begins. Anybody may use idle memory. When
none is left, the teams and callers that hold the most wait longest. A body that is still arriving is given up if its
team holds more than the waiting team (within a team: its caller), so bodies that never end do not block others.

All this runs in the event loop: sums are kept and not counted again, and all that happens in one turn of the loop is
settled together, with work that grows with the number of requests.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from itertools import count

from mlflow_platform_server import delivery
from mlflow_platform_server.refusals import BoundError, TooLargeError, setting

MEBIBYTE = 1024 * 1024


class NoRoomError(BoundError):
    """There was no room for a body in time, or it was given up for another one."""

    def __init__(self, total: int) -> None:
        message = (
            f"Other requests hold the {total // MEBIBYTE} MiB that request bodies may use at once"
            f" ({setting('bodies_mebibytes')}). Try again."
        )
        super().__init__(HTTPStatus.TOO_MANY_REQUESTS, message)


class Hold:
    """The memory of one request."""

    def __init__(self, team: str, caller: str, number: int, give_up: Callable[[], None]) -> None:
        self.team = team
        self.caller = caller
        self.number = number
        """Order of arrival."""
        self.give_up = give_up
        """Stops the reading of the body."""
        self.size = 0
        self.arriving = True
        """False once the body has arrived: then the request is being handled, and cannot be given up."""
        self.given_up = False
        self.waiting: tuple[int, asyncio.Future[None]] | None = None
        """Number of bytes that the request waits for, and the future that ends the wait."""
        self.patience = 0.0
        """Seconds for which the request may still wait."""


class _Sums:
    """A sum over requests, also by team and by caller."""

    def __init__(self) -> None:
        self.all = 0
        self._teams = Counter[str]()
        self._callers = Counter[str]()

    def add(self, hold: Hold, amount: int) -> None:
        self.all += amount
        for sums, name in ((self._teams, hold.team), (self._callers, hold.caller)):
            sums[name] += amount
            if not sums[name]:
                # Names come and go.
                del sums[name]

    def team(self, hold: Hold) -> int:
        """The sum of the request's team."""
        return self._teams[hold.team]

    def caller(self, hold: Hold) -> int:
        """The sum of the request's caller."""
        return self._callers[hold.caller]


class Room:
    """The memory of a worker process for request bodies."""

    def __init__(self, total: int, *, percent: int, queue_seconds: float) -> None:
        """`percent` is the part that one team, and one caller, may use while others ask."""
        self._total = total
        self._share = total * percent // 100
        self._queue_seconds = queue_seconds
        self._holds: dict[int, Hold] = {}
        self._numbers = count()
        self._bytes = _Sums()
        # Requests that wait, and their number.
        self._asking: dict[int, Hold] = {}
        self._askers = _Sums()
        self._settling = False

    @property
    def used(self) -> int:
        """Bytes that all requests hold together."""
        return self._bytes.all

    @contextmanager
    def hold(self, team: str, caller: str, give_up: Callable[[], None]) -> Generator[Hold]:
        """Hold memory for a request until its answer begins, or it ends; `give_up` is called at most once."""
        hold = Hold(team, caller, next(self._numbers), give_up)
        hold.patience = self._queue_seconds
        self._holds[hold.number] = hold
        delivery.when_begun(partial(self._give_back, hold))
        try:
            yield hold
        finally:
            self._give_back(hold)

    def _give_back(self, hold: Hold) -> None:
        if self._holds.pop(hold.number, None) is not None:
            self._bytes.add(hold, -hold.size)
            self._settle_soon()

    def _take(self, hold: Hold, size: int) -> None:
        hold.size += size
        if hold.number in self._holds:
            self._bytes.add(hold, size)

    async def grow(self, hold: Hold, size: int) -> None:
        """Take memory for a part of a body that has arrived.

        Raises:
            NoRoomError: there was no memory in time, or the body was given up for another one.
            TooLargeError: the body alone needs more than the total memory.
        """
        if hold.given_up:
            raise NoRoomError(self._total)
        if hold.size + size > self._total:
            raise TooLargeError("The memory for the request body", f"{self._total // MEBIBYTE} MiB", "bodies_mebibytes")
        if not self._asking and self._fits(hold, size):
            self._take(hold, size)
            return
        loop = asyncio.get_running_loop()
        turn, begun = loop.create_future(), loop.time()
        hold.waiting = (size, turn)
        self._asking[hold.number] = hold
        self._askers.add(hold, 1)
        try:
            self._settle_soon()
            async with asyncio.timeout(hold.patience):
                await turn
        except TimeoutError as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # Both at once.
                return
            raise NoRoomError(self._total) from error
        finally:
            hold.waiting = None
            del self._asking[hold.number]
            self._askers.add(hold, -1)
            # Whose share was kept for this request may go on.
            self._settle_soon()
            hold.patience -= loop.time() - begun

    def _waiting(self) -> list[tuple[Hold, int, asyncio.Future[None]]]:
        """Requests that wait."""
        return [(hold, *hold.waiting) for hold in self._asking.values() if hold.waiting and not hold.waiting[1].done()]

    def _order(self, hold: Hold) -> tuple[int, int, int]:
        """Sort key: requests of teams and callers that hold the least come first."""
        return self._bytes.team(hold), self._bytes.caller(hold), hold.number

    def _fits(self, hold: Hold, size: int) -> bool:
        if self.used + size > self._total:
            return False
        team, caller = self._bytes.team(hold), self._bytes.caller(hold)
        # A body may be larger than a share, if it is the only one.
        return not (
            (team > hold.size and team + size > self._share and self._askers.all > self._askers.team(hold))
            or (caller > hold.size and caller + size > self._share and self._askers.all > self._askers.caller(hold))
        )

    def _settle_soon(self) -> None:
        """Settle once, after everything else in this turn of the event loop."""
        if self._asking and not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        """Give free memory to waiting requests, and give up a body if there is none."""
        self._settling = False
        for hold, size, turn in sorted(self._waiting(), key=lambda one: self._order(one[0])):
            if self._fits(hold, size):
                self._take(hold, size)
                turn.set_result(None)
        # Those who hold enough for their share wait for their own requests.
        lacking = [(hold, size) for hold, size, _ in self._waiting() if self.used + size > self._total]
        if lacking:
            self._make_room(*min(lacking, key=lambda one: self._order(one[0])))

    def _make_room(self, hold: Hold, size: int) -> None:
        """Give up a body for one that waits, unless a body that was given up still holds memory."""
        holds = self._holds.values()
        if any(other.given_up for other in holds):
            return
        victims = [other for other in holds if other.arriving and other.size and self._yields(other, hold, size)]
        if not victims and all(other.waiting for other in holds if other.size):
            # Nobody goes on: each of the arriving bodies waits for the others.
            oldest = min((other.number for other in holds if other.size), default=0)
            victims = [other for other in holds if other.size and other.number > oldest]
        if victims:
            victim = max(victims, key=self._order)
            victim.given_up = True
            if victim.waiting and not victim.waiting[1].done():
                victim.waiting[1].set_exception(NoRoomError(self._total))
            else:
                victim.give_up()

    def _yields(self, other: Hold, hold: Hold, size: int) -> bool:
        """True if the body of a request is to make room for another one, which waits."""
        if other.team != hold.team:
            return self._bytes.team(other) > self._bytes.team(hold) + size
        return other.caller != hold.caller and self._bytes.caller(other) > self._bytes.caller(hold) + size
