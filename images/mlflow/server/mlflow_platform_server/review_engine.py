"""Fetches decisions from Kubernetes, for callers in the event loop and in threads.

A question that several requests ask at once is sent once. Each request waits until a deadline. Subjects take turns, and
each has at most a few questions in flight, so that one subject never holds up the others.

After a failure, one question at a time tests whether Kubernetes answers again. All others are answered at once from
remembered decisions: a recent yes stays valid, a no is never overruled. Only a failure of Kubernetes allows this, not
an overload with questions.
"""

import asyncio
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from mlflow_platform_server.decisions import Clock, Decisions, Key
from mlflow_platform_server.waiting import Lines, Ticket

# Questions that are sent at once. They have threads of their own: those of asyncio may all wait for the artifact store.
THREADS = 8
# Questions of one subject that are sent at once.
MOST_OF_ONE = 4
# Questions that wait to be sent, and the part of them that may be about one subject. Further ones have no decision.
WAITING = 1000
WAITING_PART_OF_ONE = 0.05
# A question that waited for longer than this part of its time does not show an outage by taking too long.
LATE_PART = 0.5
# Shortest and longest pause after a failure, before one question tries again. Half of it is random, so that the workers
# of all replicas do not return together.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 4.0

# Sends a question, blocking, and returns the answer; its argument is the time in seconds that it may take.
Ask = Callable[[float], object]


class ReviewFailedError(Exception):
    """Kubernetes gave no decision."""


class OutageError(ReviewFailedError):
    """Kubernetes does not answer, so that its last decision stays valid for a while."""


class CrowdedError(ReviewFailedError):
    """Too many questions wait: about this subject, or about all subjects with this one having the most."""


class TokenRefusedError(Exception):
    """Kubernetes does not accept the caller's token."""


class Breaker:
    """Decides whether a question may be sent: after a failure one at a time, with pauses. Callers hold a lock."""

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
        """Note that Kubernetes has answered."""
        self.closed, self._failures, self._answered = True, 0, self._clock()

    def failed(self, asked: float, *, probe: bool) -> None:
        """Note that a question of the time `asked` got no answer; `probe` is true for the one that tests again."""
        if (self.closed and self._answered >= asked) or not (self.closed or probe):
            # Others were answered meanwhile, or are known to fail.
            return
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._failures)
        self.closed = False
        self._failures += 1
        self._next = self._clock() + pause * (0.5 + random.random())  # noqa: S311 - no secret


@dataclass(kw_only=True, slots=True, eq=False)
class _Flight:
    """A question that waits to be sent, or is on its way."""

    key: Key
    ask: Ask
    began: float
    deadline: float
    probe: bool
    ticket: Ticket
    sent: float = math.inf
    """Time at which the question was sent; infinite while it waits."""

    answer: Future[object] = field(default_factory=Future[object])

    def __post_init__(self) -> None:
        """Prevent one waiting request from cancelling the question for all others."""
        self.answer.set_running_or_notify_cancel()

    def shows_outage(self, now: float) -> bool:
        """True if the missing answer is the fault of Kubernetes, not of the question's long wait before it was sent."""
        in_time = self.sent - self.began <= LATE_PART * (self.deadline - self.began)
        return self.probe or in_time or now < self.deadline


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
        self._clock = clock
        self._breaker = Breaker(2 * seconds, clock)
        self._flights: dict[Key, _Flight] = {}
        # Those that wait, in lines by subject.
        self._lines = Lines(waiting, lambda: WAITING_PART_OF_ONE)
        self._waiting: dict[Ticket, _Flight] = {}
        # Questions on their way by subject.
        self._sent = Counter[str]()
        self._lock = threading.Lock()
        self._most_sent = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="access-review")

    async def decide(self, key: Key, ask: Ask) -> object:
        """The answer to a question, without blocking the event loop.

        Raises:
            ReviewFailedError: Kubernetes gave no decision in time, and no remembered decision is valid.
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
            return self._lasting(key, self._overdue(flight))
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
            return self._lasting(key, self._overdue(flight))
        except OutageError as error:
            return self._lasting(key, error)

    def _begin(self, key: Key, ask: Ask) -> tuple[object, _Flight | None]:
        """The answer if it is known, otherwise the pending question."""
        with self._lock:
            if (known := self._decisions.fresh(key)) is not None:
                return known, None
            outage = not self._breaker.closed
            lasting = self._decisions.lasting(key) if outage else None
            flight = self._flights.get(key)
            if flight is None:
                if self._breaker.admits():
                    flight = self._put(key, ask, probe=outage)
                elif lasting is None:
                    raise OutageError("Kubernetes does not answer, and has not decided about this caller before.")
            return (None, flight) if lasting is None else (lasting, None)

    def _put(self, key: Key, ask: Ask, *, probe: bool) -> _Flight:
        """Put a question into the line of its subject, and send what can be sent."""
        subject, now = key[0], self._clock()
        if not self._lines.make_room(subject, subject):
            raise CrowdedError("Too many access reviews of the same caller wait.")
        ticket = Ticket(team=subject, caller=subject, since=now)
        flight = _Flight(key=key, ask=ask, began=now, deadline=now + self._seconds, probe=probe, ticket=ticket)
        ticket.wake = lambda: self._pushed_out(flight)
        self._lines.put(ticket)
        self._flights[key] = self._waiting[ticket] = flight
        self._send()
        return flight

    def _send(self) -> None:
        """Send waiting questions while there are free threads, in turns of the subjects."""
        while self._sent.total() < self._most_sent:
            subjects = (subject for subject, _ in self._lines.teams() if self._sent[subject] < MOST_OF_ONE)
            subject = next(subjects, None)
            if subject is None:
                return
            flight = self._waiting.pop(self._lines.take(subject, subject))
            flight.sent = self._clock()
            self._sent[subject] += 1
            self._threads.submit(self._fly, flight)

    def _pushed_out(self, flight: _Flight) -> None:
        """Drop a waiting question in favour of one about a subject with fewer questions."""
        del self._waiting[flight.ticket]
        self._land(flight)
        flight.answer.set_exception(CrowdedError("Too many access reviews wait, and most are of the same caller."))

    def _fly(self, flight: _Flight) -> None:
        """Send a question, in a thread of its own."""
        answer: object = None
        failure: Exception | None = None
        with self._lock:
            in_vain = flight.sent >= flight.deadline or not (self._breaker.closed or flight.probe)
        if in_vain:
            # Nobody waits for the answer any more, or it is known to stay away.
            failure = OutageError("Kubernetes does not answer.")
        else:
            try:
                answer = flight.ask(flight.deadline - flight.sent)
            except Exception as error:  # noqa: BLE001 - whoever waits for the answer gets it
                failure = error
        with self._lock:
            self._sent -= Counter((flight.key[0],))
            landed = self._land(flight)
            if not isinstance(failure, OutageError):
                self._breaker.answered()
            elif landed and not in_vain and flight.shows_outage(self._clock()):
                self._breaker.failed(flight.sent, probe=flight.probe)
            if failure is None:
                self._decisions.put(flight.key, answer, flight.sent)
            elif isinstance(failure, TokenRefusedError):
                self._decisions.refuse(flight.key[0])
            self._send()
        if failure is None:
            flight.answer.set_result(answer)
        else:
            flight.answer.set_exception(failure)

    def _land(self, flight: _Flight) -> bool:
        """Remove a question from the pending ones; True for the first call."""
        if self._flights.get(flight.key) is not flight:
            return False
        del self._flights[flight.key]
        return True

    def _left(self, flight: _Flight) -> float:
        return max(0.0, flight.deadline - self._clock())

    def _overdue(self, flight: _Flight) -> ReviewFailedError:
        """Handle a question whose request has waited until its deadline."""
        text = f"Kubernetes gave no decision within {self._seconds} s (server.bounds.reviewSeconds)."
        with self._lock:
            landed = self._land(flight)
            if flight.sent == math.inf:
                if self._waiting.pop(flight.ticket, None):
                    self._lines.drop(flight.ticket)
                return CrowdedError(f"{text} It was not asked, because other access reviews were sent first.")
            if landed and flight.shows_outage(flight.deadline):
                self._breaker.failed(flight.sent, probe=flight.probe)
        return OutageError(text)

    def _lasting(self, key: Key, error: ReviewFailedError) -> object:
        """A remembered answer that is valid while Kubernetes does not answer; without one, the error is raised."""
        with self._lock:
            answer = None if self._breaker.closed else self._decisions.lasting(key)
        if answer is None:
            raise error
        return answer
