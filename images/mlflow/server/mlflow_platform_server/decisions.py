"""Decisions of Kubernetes that a worker process remembers.

Each decision is valid for a while without another review. If Kubernetes does not answer, a recent yes stays valid for
some minutes, unless the caller's token was refused since.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from mlflow_platform_server.shared_answers import SharedAnswers

# As many answers of each kind, yes and no, are remembered, with about 500 bytes each.
ENTRIES = 10_000

Clock = Callable[[], float]
# Digest of whom the question is about, and the question.
Key = tuple[str, Hashable]


class Decisions:
    """Answers of the last minutes; the least recently used ones are forgotten first. Callers have to hold a lock."""

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
        """The answer, if it is still valid without another review; None otherwise."""
        for known in (self._yes, self._no):
            entry = known.get(key)
            if entry is not None and self._clock() < entry[1] + self._fresh_seconds:
                known.move_to_end(key)
                return entry[0]
        return None

    def lasting(self, key: Key) -> object | None:
        """The answer, if it is valid during an outage: a recent yes whose token was not refused since."""
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
        """Remember that a subject's token was refused: the subject's earlier answers are not valid during an outage."""
        _keep(self._refused, subject, self._clock(), self._entries)

    def __len__(self) -> int:
        return len(self._yes) + len(self._no)


def _keep(known: OrderedDict[Any, Any], key: object, value: object, entries: int) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > entries:
        known.popitem(last=False)
