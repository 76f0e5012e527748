"""Simulation of a worker process under its rates and slots, with clients that repeat requests as MLflow's does.

Time is simulated, so the result of a seed is always the same, on any machine. Threads share one processor evenly, as
they share Python's lock; a request computes for half of its time and waits for the database for the other half.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from mlflow_platform_server.appointments import Appointments
from mlflow_platform_server.demand import Demand
from mlflow_platform_server.pacing import Pacing
from mlflow_platform_server.turns import Turns
from mlflow_platform_server.waiting import FullError, ShareUsedUpError, Ticket

# Retries of MLflow's client (MLFLOW_HTTP_REQUEST_MAX_RETRIES).
RETRIES = 7
CONNECT_SECONDS = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The bounds that are simulated, with their defaults."""

    slots: int = 14
    slots_percent: int = 15
    team_rate: float = 25
    caller_rate: float = 25
    queue_seconds: float = 10
    queued: int = 500


@dataclass(kw_only=True, slots=True)
class Client:
    """One thread of a client that sends requests one after the other."""

    team: str
    caller: str
    pause: float = 0
    """Mean pause in seconds between two requests, exponentially distributed."""

    compute: float = 0.008
    wait: float = 0.008
    starts: float = 0
    ends: float = 60
    times: list[float] = field(default_factory=list[float])
    """Durations of the requests that succeeded, all repetitions included."""

    refused: int = 0
    failed: int = 0
    """Requests that were refused more often than the client repeats them."""


class Worker:
    """A worker process, its clients and the time."""

    def __init__(self, limits: Limits, seed: int) -> None:
        self.now = 0.0
        self.random = random.Random(seed)  # noqa: S311 - not for secrets
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._computing: dict[int, list[float]] = {}
        self._completions: dict[int, Callable[[], None]] = {}
        self._accounted = 0.0
        self._version = 0
        self._limits = limits
        demand = Demand()

        def part() -> float:
            return self.random.uniform(0.5, 1)

        self._turns = Turns(
            slots=limits.slots,
            percent=limits.slots_percent,
            wait_seconds=limits.queue_seconds,
            room=limits.queued,
            demand=demand,
            part=part,
        )
        self._pacing = Pacing(
            team_rate=limits.team_rate,
            caller_rate=limits.caller_rate,
            wait_seconds=limits.queue_seconds,
            room=limits.queued,
            demand=demand,
            idle=self._turns.idle,
            part=part,
        )
        self._turns.on_leave = self._left
        self._appointments = Appointments(self.random.random)
        self._armed = float("inf")

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Call a function after a delay."""
        heapq.heappush(self._events, (self.now + seconds, next(self._number), action))

    def run(self, *clients: Client) -> None:
        """Let clients send requests until all have ended."""
        for client in clients:
            self.after(client.starts + self.random.random() * (client.pause or 0.1), lambda c=client: self._next(c))
        while self._events:
            self.now, _, action = heapq.heappop(self._events)
            action()

    def _next(self, client: Client) -> None:
        if self.now < client.ends:
            self._send(client, self.now, 0)

    def _send(self, client: Client, began: float, refusals: int) -> None:
        def refused(interval: float) -> None:
            client.refused += 1
            if refusals == RETRIES:
                client.failed += 1
                self._next(client)
            else:
                after = self._appointments.seconds(client.team, interval, self.now)
                self.after(after, lambda: self._send(client, began, refusals + 1))

        def answered() -> None:
            client.times.append(self.now - began)
            pause = self.random.expovariate(1 / client.pause) if client.pause else 0
            self.after(CONNECT_SECONDS + pause, lambda: self._next(client))

        def work(leave: Callable[[], None]) -> None:
            spread = self.random.uniform(0.5, 1.5)

            def done() -> None:
                leave()
                answered()

            def computed() -> None:
                self.after(client.wait * spread, done)

            self._compute(client.compute * spread, computed)

        def slot() -> None:
            self._turns.expect(-1)
            self._wait(lambda: self._turns.ask(client.team, client.caller, self.now), at_work, refused, self._turns)

        def passed(_: Ticket) -> None:
            # Its body is read meanwhile.
            self._turns.expect(1)
            self.after(CONNECT_SECONDS, slot)

        def at_work(ticket: Ticket) -> None:
            work(lambda: self._turns.leave(ticket, self.now))

        self._wait(lambda: self._pacing.ask(client.team, client.caller, self.now), passed, refused, self._pacing)
        self._arm()

    def _wait(
        self,
        ask: Callable[[], Ticket],
        granted: Callable[[Ticket], None],
        refused: Callable[[float], None],
        queue: Pacing | Turns,
    ) -> None:
        try:
            ticket = ask()
        except (ShareUsedUpError, FullError) as error:
            refused(error.interval)
            return
        if ticket.granted:
            granted(ticket)
            return

        interval = queue.interval(ticket.team)

        def too_late() -> None:
            if not ticket.granted and not ticket.pushed_out:
                queue.withdraw(ticket)
                refused(interval)

        # Later and not at once, so that nothing is granted while something else is.
        ticket.wake = lambda: self.after(0, lambda: granted(ticket) if ticket.granted else refused(interval))
        self.after(self._limits.queue_seconds, too_late)

    def _left(self, ticket: Ticket, seconds: float) -> None:
        self._pacing.charge(ticket, seconds, self.now)
        self._grant()

    def _grant(self) -> None:
        self._pacing.grant(self.now)
        self._arm()

    def _arm(self) -> None:
        due = self._pacing.next_turn()
        if due is not None and (due < self._armed or self._armed <= self.now):
            self._armed = max(due, self.now + 0.001)
            self.after(self._armed - self.now, self._grant)

    def _compute(self, seconds: float, completed: Callable[[], None]) -> None:
        self._account()
        number = next(self._number)
        self._computing[number] = [seconds]
        self._completions[number] = completed
        self._schedule()

    def _account(self) -> None:
        """Divide the time since the last change among those that compute."""
        if self._computing:
            share = (self.now - self._accounted) / len(self._computing)
            for left in self._computing.values():
                left[0] -= share
        self._accounted = self.now

    def _schedule(self) -> None:
        self._version += 1
        if self._computing:
            number, (left,) = min(self._computing.items(), key=lambda item: item[1][0])
            version = self._version
            self.after(max(0.0, left) * len(self._computing), lambda: self._computed(number, version))

    def _computed(self, number: int, version: int) -> None:
        if version != self._version:
            return
        self._account()
        del self._computing[number]
        completed = self._completions.pop(number)
        self._schedule()
        completed()


def percentile(values: list[float], part: float) -> float:
    """The percentile: the value that the given part of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]
