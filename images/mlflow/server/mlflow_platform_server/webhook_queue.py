"""Threads that send webhooks: a few, shared fairly by the workspaces, with a waiting list that is bounded.

A receiver may hang, so a workspace has at most half of the threads. The free thread takes the oldest delivery of the
workspace that has waited longest for its turn. If the waiting list is full, the oldest delivery of the workspace with
the most waiting deliveries is dropped, with a line in the log: a slow receiver costs only its own team deliveries.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

THREADS = 8
MOST_WAITING = 200
# Bodies of the waiting deliveries together.
MOST_WAITING_BYTES = 4 * 1024 * 1024

_logger = logging.getLogger(__name__)


class DroppedError(Exception):
    """The delivery was dropped, because too many others waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    work: Callable[[], Any]
    size: int
    future: "Future[Any]" = field(default_factory=Future)


class DeliveryQueue:
    """Runs deliveries in threads of its own, which do not keep the process from ending."""

    def __init__(
        self,
        *,
        threads: int = THREADS,
        most_waiting: int = MOST_WAITING,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self._threads = threads
        self._share = max(1, threads // 2)
        self._most_waiting = most_waiting
        self._most_waiting_bytes = most_waiting_bytes
        self._changed = threading.Condition()
        # By workspace; the one at the front is next. A workspace without waiting deliveries has no entry.
        self._waiting: dict[str, deque[_Delivery]] = {}
        self._running: dict[str, int] = {}
        self._started = 0

    def submit(self, workspace: str, work: Callable[[], Any], *, size: int = 0) -> "Future[Any]":
        """Do `work` as soon as it is the workspace's turn; `size` are the bytes that it keeps in memory until then."""
        delivery = _Delivery(work=work, size=size)
        with self._changed:
            self._waiting.setdefault(workspace, deque()).append(delivery)
            dropped: list[tuple[str, _Delivery]] = []
            if self._is_full():
                self._forget_given_up()
            while self._is_full():
                dropped.append(self._drop())
            self._start_thread()
            self._changed.notify()
        for owner, one in dropped:
            # Given up at this moment, it takes no result: this would be an error in the request of another team.
            if not one.future.set_running_or_notify_cancel():
                continue
            _logger.error(
                "Dropped the oldest waiting webhook delivery of workspace %s: at most %d deliveries and %d bytes wait.",
                owner,
                self._most_waiting,
                self._most_waiting_bytes,
            )
            one.future.set_exception(DroppedError("The delivery was dropped, because too many others waited."))
        return delivery.future

    def _is_full(self) -> bool:
        return self._fill([one for deliveries in self._waiting.values() for one in deliveries]) > 1

    def _forget_given_up(self) -> None:
        kept = {
            workspace: deque(one for one in deliveries if not one.future.cancelled())
            for workspace, deliveries in self._waiting.items()
        }
        self._waiting = {workspace: deliveries for workspace, deliveries in kept.items() if deliveries}

    def _drop(self) -> tuple[str, _Delivery]:
        owner = max(self._waiting, key=lambda workspace: self._fill(self._waiting[workspace]))
        return owner, self._take(owner)

    def _fill(self, deliveries: Collection[_Delivery]) -> float:
        """Part of the waiting list that deliveries take up, by number or by size, whichever is more."""
        size = sum(one.size for one in deliveries)
        return max(len(deliveries) / self._most_waiting, size / self._most_waiting_bytes)

    def _take(self, workspace: str) -> _Delivery:
        deliveries = self._waiting.pop(workspace)
        first = deliveries.popleft()
        if deliveries:
            # At the end: all others have their turn before this one.
            self._waiting[workspace] = deliveries
        return first

    def _start_thread(self) -> None:
        if self._started < self._threads:
            self._started += 1
            threading.Thread(target=self._work, name=f"webhook-{self._started}", daemon=True).start()

    def _next(self) -> tuple[str, _Delivery]:
        """Wait for a delivery whose workspace has not used up its share of the threads."""
        with self._changed:
            while True:
                for workspace in self._waiting:
                    if self._running.get(workspace, 0) < self._share:
                        self._running[workspace] = self._running.get(workspace, 0) + 1
                        return workspace, self._take(workspace)
                self._changed.wait()

    def _work(self) -> None:
        while True:
            workspace, delivery = self._next()
            try:
                _run(delivery)
            finally:
                self._done(workspace)

    def _done(self, workspace: str) -> None:
        with self._changed:
            self._running[workspace] -= 1
            if not self._running[workspace]:
                del self._running[workspace]
            self._changed.notify_all()


def _run(delivery: _Delivery) -> None:
    if not delivery.future.set_running_or_notify_cancel():
        return
    try:
        result = delivery.work()
    except BaseException as error:  # noqa: BLE001 - the thread goes on; whoever waits for the result gets the error
        delivery.future.set_exception(error)
    else:
        delivery.future.set_result(result)
