"""Lock that lets one command at a time change the cluster, across all clones and terminals."""

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from testbed.errors import EmbeddedError
from testbed.node.progress import Say

WAIT_SECONDS = 600
PAUSE_SECONDS = 0.2


@contextmanager
def exclusive(path: Path, say: Say) -> Generator[None]:
    """Hold the lock on the cluster; the kernel releases the lock however the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        deadline = time.monotonic() + WAIT_SECONDS
        waited = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waited:
                    say("waiting for another command on the embedded cluster to finish")
                    waited = True
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"another command has held the lock {path} for {WAIT_SECONDS} s. Find it with `fuser {path}`"
                )
            time.sleep(PAUSE_SECONDS)
        yield
