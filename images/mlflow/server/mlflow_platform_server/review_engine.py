"""Fetches decisions from Kubernetes and remembers them, for callers in the event loop and in threads.

A question that several requests ask at once is sent once. Each request waits until a deadline. While Kubernetes gives
no decision, a yes that it gave in the last minutes goes on counting; a no is never overruled. After a failure one
question at a time tries whether Kubernetes answers again; all others are answered at once from what is remembered.
"""

import asyncio
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mlflow_platform_server.shared_answers import SharedAnswers

# As many answers of each kind, yes and no, are remembered, with about 500 bytes each.
ENTRIES = 10_000
# Questions that are sent at once. They have threads of their own: those of asyncio may all wait for the artifact store.
THREADS = 8
# Questions that wait for a thread; further ones have no decision.
WAITING = 1000
# Shortest and longest pause after a failure, before one question tries again. Half of it is random, so that the workers
# of all replicas do not return together.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 4.0

Clock = Callable[[], float]
# Digest of whom the question is about, and the question.
Key = tuple[str, Hashable]
# Sends a question, blocking, and returns the answer; its argument is the time in seconds that it may take.
Ask = Callable[[float], object]


class ReviewFailedError(Exception):
    """Kubernetes gave no decision."""


class OutageError(ReviewFailedError):
    """Kubernetes does not answer, so that its last decision goes on counting for a while."""


class TokenRefusedError(Exception):
    """Kubernetes does not accept the caller's token."""


class Decisions:
    """Answers of the last minutes; the least recently used ones are forgotten first. Its user holds a lock."""

    def __init__(
        self,
        fresh_seconds: float,
        outage_seconds: float,
        entries: int = ENTRIES,
        clock: Clock = time.monotonic,
        shared: SharedAnswers | None = None,
    ) -> None:
        """`shared` has the answers of other processes too, which count during an outage."""
        self._shared = shared
        self._fresh_seconds = fresh_seconds
        self._outage_seconds = outage_seconds
        self._entries = entries
        self._clock = clock
        # Apart, so that nobody crowds out the answers that count during an outage by asking for what does not exist.
        self._yes: OrderedDict[Key, tuple[object, float]] = OrderedDict()
        self._no: OrderedDict[Key, tuple[object, float]] = OrderedDict()
        self._refused: OrderedDict[str, float] = OrderedDict()

    def fresh(self, key: Key) -> object | None:
        """The answer, if it needs no confirmation yet; None otherwise."""
        for known in (self._yes, self._no):
            entry = known.get(key)
            if entry is not None and self._clock() < entry[1] + self._fresh_seconds:
                known.move_to_end(key)
                return entry[0]
        return None

    def lasting(self, key: Key) -> object | None:
        """The answer, if it counts during an outage: a yes, confirmed recently, whose token was not refused since."""
        answer, asked = self._yes.get(key) or self._no.get(key) or (None, float("-inf"))
        if self._shared is not None and (other := self._shared.get(key)) is not None and other[1] > asked:
            answer, asked = other
        recent = self._clock() < asked + self._outage_seconds and self._refused.get(key[0], float("-inf")) < asked
        if not answer or not recent:
            return None
        if key in self._yes:
            self._yes.move_to_end(key)
        return answer

    def put(self, key: Key, answer: object, asked: float) -> None:
        """Remember an answer; it is as old as its question, which was sent at the time `asked`."""
        for known in (self._yes, self._no):
            if key in known and known[key][1] > asked:
                # A later question was answered sooner.
                return
            known.pop(key, None)
        _keep(self._yes if answer else self._no, key, (answer, asked), self._entries)
        if self._shared is not None and isinstance(answer, bool):
            self._shared.put(key, answer, asked)

    def refuse(self, subject: str) -> None:
        """Remember that a subject's token is refused: its earlier answers do not count during an outage."""
        _keep(self._refused, subject, self._clock(), self._entries)

    def __len__(self) -> int:
        return len(self._yes) + len(self._no)


def _keep(known: OrderedDict[Any, Any], key: object, value: object, entries: int) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > entries:
        known.popitem(last=False)


class Breaker:
    """Says whether a question may be sent: after a failure, one at a time, with pauses. Its user holds a lock."""

    def __init__(self, probe_seconds: float, clock: Clock = time.monotonic) -> None:
        """`probe_seconds` is the time after which a question that tries again counts as lost."""
        self.closed = True
        """True if questions are sent without limit: there was no failure since the last answer."""
        self._probe_seconds = probe_seconds
        self._clock = clock
        self._failures = 0
        self._next = 0.0
        self._answered = float("-inf")

    def admits(self) -> bool:
        """True if a question may be sent now."""
        if self.closed:
            return True
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._probe_seconds
        return True

    def answered(self) -> None:
        """Kubernetes has answered."""
        self.closed, self._failures, self._answered = True, 0, self._clock()

    def failed(self, asked: float, *, probe: bool) -> None:
        """A question of the time `asked` got no answer; `probe` says that it was the one that tries again."""
        if (self.closed and self._answered >= asked) or not (self.closed or probe):
            # Others were answered meanwhile, or are known to fail.
            return
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._failures)
        self.closed = False
        self._failures += 1
        self._next = self._clock() + pause * (0.5 + random.random())  # noqa: S311 - no secret


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Flight:
    """A question on its way."""

    asked: float
    deadline: float
    probe: bool
    answer: Future[object] = field(default_factory=Future[object])


class ReviewEngine:
    """The questions and answers of one worker process; usable from the event loop and from any thread."""

    def __init__(
        self,
        decisions: Decisions,
        seconds: float,
        *,
        threads: int = THREADS,
        waiting: int = WAITING,
        clock: Clock = time.monotonic,
    ) -> None:
        """`seconds` is the longest wait for an answer."""
        self._decisions = decisions
        self._seconds = seconds
        self._waiting = waiting
        self._clock = clock
        self._breaker = Breaker(2 * seconds, clock)
        self._flights: dict[Key, _Flight] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="access-review")

    async def decide(self, key: Key, ask: Ask) -> object:
        """The answer to a question, without blocking the event loop.

        Raises:
            ReviewFailedError: Kubernetes gave no decision in time, and none that goes on counting is known.
            TokenRefusedError: Kubernetes does not accept the caller's token.
        """
        answer, flight = self._begin(key, ask)
        if flight is None:
            return answer
        # A client that disconnects must not end the review of the others.
        waiting = asyncio.shield(asyncio.wrap_future(flight.answer))
        try:
            return await asyncio.wait_for(waiting, self._left(flight))
        except TimeoutError:
            return self._lasting(key, self._overdue(key, flight))
        except OutageError as error:
            return self._lasting(key, error)

    def decide_blocking(self, key: Key, ask: Ask) -> object:
        """The same for callers in a thread."""
        answer, flight = self._begin(key, ask)
        if flight is None:
            return answer
        try:
            return flight.answer.result(self._left(flight))
        except TimeoutError:
            return self._lasting(key, self._overdue(key, flight))
        except OutageError as error:
            return self._lasting(key, error)

    def _begin(self, key: Key, ask: Ask) -> tuple[object, _Flight | None]:
        """The answer if it is known, or else the question on its way."""
        with self._lock:
            if (known := self._decisions.fresh(key)) is not None:
                return known, None
            lasting = self._decisions.lasting(key)
            flight = self._flights.get(key)
            if flight is None:
                tries_again = not self._breaker.closed
                if len(self._flights) >= self._waiting or not self._breaker.admits():
                    if lasting is None:
                        raise OutageError("Kubernetes does not answer, and has not decided about this caller before.")
                    return lasting, None
                now = self._clock()
                flight = _Flight(asked=now, deadline=now + self._seconds, probe=tries_again)
                self._flights[key] = flight
                self._threads.submit(self._fly, key, ask, flight)
            if lasting is not None and not self._breaker.closed:
                return lasting, None
            return None, flight

    def _fly(self, key: Key, ask: Ask, flight: _Flight) -> None:
        """Send a question, in a thread of its own."""
        answer: object = None
        failure: Exception | None = None
        asked = self._clock()
        with self._lock:
            in_vain = asked >= flight.deadline or not (self._breaker.closed or flight.probe)
        if in_vain:
            # Nobody waits for the answer any more, or it is known to stay away.
            failure = OutageError("Kubernetes does not answer.")
        else:
            try:
                answer = ask(flight.deadline - asked)
            except Exception as error:  # noqa: BLE001 - whoever waits for the answer gets it
                failure = error
        with self._lock:
            landed = self._land(key, flight)
            if not isinstance(failure, OutageError):
                self._breaker.answered()
            elif landed and (flight.probe or not in_vain):
                self._breaker.failed(flight.asked, probe=flight.probe)
            if failure is None:
                self._decisions.put(key, answer, asked)
            elif isinstance(failure, TokenRefusedError):
                self._decisions.refuse(key[0])
        if failure is None:
            flight.answer.set_result(answer)
        else:
            flight.answer.set_exception(failure)

    def _land(self, key: Key, flight: _Flight) -> bool:
        """Take a question off the list of those on their way; True for the first who does."""
        if self._flights.get(key) is not flight:
            return False
        del self._flights[key]
        return True

    def _left(self, flight: _Flight) -> float:
        return max(0.0, flight.deadline - self._clock())

    def _overdue(self, key: Key, flight: _Flight) -> OutageError:
        with self._lock:
            if self._land(key, flight):
                self._breaker.failed(flight.asked, probe=flight.probe)
        return OutageError(f"Kubernetes gave no decision within {self._seconds} s (server.bounds.reviewSeconds).")

    def _lasting(self, key: Key, error: OutageError) -> object:
        with self._lock:
            answer = self._decisions.lasting(key)
        if answer is None:
            raise error
        return answer
