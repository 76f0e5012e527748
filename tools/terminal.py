"""The terminal that a command prints to."""

import os
import sys
import threading

ANNOUNCE_SECONDS = 2


def shows_colours() -> bool:
    """True if standard output is a terminal that shows colours, unless NO_COLOR (no-color.org) is set."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.stdout.isatty()


class Progress:
    """Prints each step that takes longer than `ANNOUNCE_SECONDS` to standard error."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def say(self, what: str) -> None:
        """End the previous step, and begin the next one."""
        self.end()
        self._timer = threading.Timer(ANNOUNCE_SECONDS, print, (f"{what} ...",), {"file": sys.stderr, "flush": True})
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """End the last step."""
        if self._timer is not None:
            self._timer.cancel()
