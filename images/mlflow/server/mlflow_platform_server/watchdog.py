"""Watchdog of a worker process: ends it if its event loop is stuck, so that its supervisor starts another.

A loop is stuck if it has not turned once, although the watchdog's thread woke up punctually many times meanwhile. The
watchdog counts punctual wake-ups and not seconds, because on a machine without free CPU, under CPU throttling, or while
the process is stopped, its own thread is late as well.

It does not see a thread that holds Python's lock (the GIL) for ever, because then it does not run itself. Such a worker
does not answer its supervisor either, which ends it (`--timeout-worker-healthcheck`), nor the liveness probe.
"""

import faulthandler
import logging
import os
import threading
import time
from collections.abc import Callable

CHECK_SECONDS = 1.0
# Punctual wake-ups without a turn of the loop.
PATIENCE = 60
# A wake-up is punctual if it is not later than this, in `CHECK_SECONDS`.
PUNCTUAL = 1.5
# uvicorn's supervisor restarts a worker, except after status 3: that one failed to start. The value is EX_SOFTWARE.
STATUS = 70

_logger = logging.getLogger(__name__)


class Vigil:
    """Counts the punctual wake-ups of a thread during which a loop has not turned."""

    def __init__(self, patience: int, check_seconds: float) -> None:
        self._patience = patience
        self._latest = PUNCTUAL * check_seconds
        self._turns = -1
        self._missed = 0

    def is_stuck(self, turns: int, slept: float) -> bool:
        """Note one wake-up: the turns of the loop so far, and the seconds since the last wake-up."""
        if turns != self._turns:
            self._turns, self._missed = turns, 0
        elif slept <= self._latest:
            self._missed += 1
        return self._missed >= self._patience


class Watchdog:
    """A thread that watches one event loop until it is stopped."""

    def __init__(
        self,
        turns: Callable[[], int],
        end: Callable[[], None] | None = None,
        *,
        patience: int = PATIENCE,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        """`turns` counts the turns of the loop; `end` ends the process, by default with all stacks in the log."""
        self._turns = turns
        self._end = end or end_process
        self._vigil = Vigil(patience, check_seconds)
        self._check_seconds = check_seconds
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching, before the loop ends."""
        self._stopped.set()

    def _watch(self) -> None:
        before = time.monotonic()
        while not self._stopped.wait(self._check_seconds):
            now = time.monotonic()
            if self._vigil.is_stuck(self._turns(), now - before):
                self._end()
                return
            before = now


def end_process() -> None:
    """Log the stacks of all threads, and end the process at once: the loop cannot shut down in order."""
    _logger.critical("The event loop is stuck. The worker ends, and is started again. Stacks of all threads follow.")
    faulthandler.dump_traceback(all_threads=True)
    os._exit(STATUS)
