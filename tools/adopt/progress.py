"""Progress on standard error, for work that takes more than two seconds."""

import sys
import threading
import time

QUIET_SECONDS = 2
EVERY_SECONDS = 10


class Progress:
    """Counts finished items, from several threads."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._done = 0
        self._start = time.monotonic()
        self._next = self._start + QUIET_SECONDS
        self._lock = threading.Lock()

    def step(self, detail: str = "") -> None:
        """Count one finished item."""
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + (QUIET_SECONDS if sys.stderr.isatty() else EVERY_SECONDS)
            text = f"{self._what}: {self._done} of {self._total}{f', {detail}' if detail else ''}"
        print(text, file=sys.stderr, flush=True)
