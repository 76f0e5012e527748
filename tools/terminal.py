"""The terminal that a command prints to."""

import os
import sys


def shows_colours() -> bool:
    """True if standard output is a terminal that shows colours, unless NO_COLOR (no-color.org) is set."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.stdout.isatty()
