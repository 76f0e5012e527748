"""Leases, and the record of the units that each team and each caller holds or waits for."""

# A lease and its shares are two sides of one thing:
# pyright: reportPrivateUsage=false
import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from mlflow_platform_server.shares import Shares


class BusyError(Exception):
    """The units did not become free in time, or too many requests wait for them already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """A holder of units: a caller in a team."""

    team: str
    caller: str


class Lease:
    """Units that a caller holds. A lease can grow and shrink; leaving its context returns all units."""

    def __init__(self, shares: "Shares", party: Party, *, grows: bool = True) -> None:
        self.party = party
        self.grows = grows
        """False if the lease takes all its units at once, so that no units have to be reserved for it."""
        self.units = 0
        self.moved = asyncio.get_running_loop().time()
        """Time of the last progress, by the clock of the event loop."""
        self.asked_back = False
        """True after the holder was asked to return all units."""
        self.request: Request | None = None
        """The waiting request for more units."""
        self.waited = 0.0
        """Seconds for which its holder has waited so far; they count towards `patience_seconds`."""
        self._shares = shares
        self.ask: Callable[[], None] | None = None
        """Makes the holder return all units; None while it cannot."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    async def grow(self, units: int, *, seconds: float) -> None:
        """Take more units; waits for them at most `seconds`.

        Raises:
            BusyError: the units did not become free in time. The lease keeps those that it had.
        """
        await self._shares._wait(self, units, seconds)

    def release(self, units: int | None = None) -> None:
        """Return units, by default all."""
        units = self.units if units is None else units
        if not 0 <= units <= self.units:
            message = f"A lease of {self.units} units cannot give back {units}."
            raise ValueError(message)
        if units:
            self._shares._change(self, -units)
            self._shares._hand_over()

    def revocable(self, ask: Callable[[], None] | None) -> None:
        """Let others ask for the units: `ask` makes the holder return them soon, and is called at most once.

        While the units cannot be returned, `ask` is None.
        """
        self.ask = ask

    def progress(self) -> None:
        """Note that the holder makes progress with the work for which it needs the units."""
        self.moved = asyncio.get_running_loop().time()
        self.place(last=True)

    def idle(self, seconds: float) -> bool:
        """True if there was no progress for `seconds`."""
        return asyncio.get_running_loop().time() - self.moved >= seconds

    def ask_back(self) -> None:
        """Ask the holder to return all units."""
        ask, self.ask = self.ask, None
        self.asked_back = True
        self._shares._returning += self.units
        self.place()
        if ask is not None:
            ask()

    def place(self, *, last: bool = False) -> None:
        """Keep the place among the caller's leases, which are in the order of their progress."""
        team, caller = self._shares._place(self.party)
        if self.asked_back or not self.units:
            caller.leases.pop(self, None)
        elif last or self not in caller.leases:
            caller.leases[self] = None
            caller.leases.move_to_end(self)
        self._shares._drop_empty(team, caller)


@dataclass(eq=False, kw_only=True, slots=True)
class Request:
    """Units that a lease waits for."""

    lease: Lease
    units: int
    team: "TeamUnits"
    caller: "CallerUnits"
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(eq=False, kw_only=True, slots=True)
class CallerUnits:
    """Units that a caller of a team holds, and its requests for more."""

    name: str
    held: int = 0
    turn: int = 0
    """Number of the last turn in which units were granted."""
    requests: dict[Request, None] = field(default_factory=dict[Request, None])
    leases: OrderedDict[Lease, None] = field(default_factory=OrderedDict[Lease, None])
    """In the order of their last progress, the oldest first; without leases whose holder was asked to return the
    units."""


@dataclass(eq=False, kw_only=True, slots=True)
class TeamUnits:
    """Units that a team holds, its waiting requests, and its callers."""

    name: str
    held: int = 0
    turn: int = 0
    waiting: int = 0
    callers: dict[str, CallerUnits] = field(default_factory=dict[str, CallerUnits])
