"""Waiting with a time limit and progress messages."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from testbed.errors import EmbeddedError

Say = Callable[[str], None]

SAY_EVERY_SECONDS = 5.0
PAUSE_SECONDS = 0.25
LAST_LINES = 12
LINE_LENGTH = 300


def last_lines(log: Path, count: int = LAST_LINES) -> str:
    """Return the end of a log for an error message."""
    if not log.exists():
        return f"({log} does not exist)"
    lines = log.read_text(errors="replace").splitlines()[-count:]
    return "\n".join(f"    {line[:LINE_LENGTH]}" for line in lines) or f"({log} is empty)"


def wait_until(
    what: str, missing: Callable[[], str | None], *, seconds: float, say: Say, log: Path | Callable[[], Path]
) -> None:
    """Wait until `missing` returns None; until then, report every few seconds the reason that it returns."""
    start = time.monotonic()
    said = start
    while (reason := missing()) is not None:
        now = time.monotonic()
        if now - start > seconds:
            file = log if isinstance(log, Path) else log()
            raise EmbeddedError(
                f"{what}: not ready after {seconds:.0f} s: {reason}\nThe end of {file}:\n{last_lines(file)}"
            )
        if now - said > SAY_EVERY_SECONDS:
            say(f"{what}: {reason} ({now - start:.0f} s)")
            said = now
        time.sleep(PAUSE_SECONDS)
    if (took := time.monotonic() - start) > SAY_EVERY_SECONDS:
        say(f"{what}: done ({took:.0f} s)")


def run_logged(
    command: Sequence[str | os.PathLike[str]],
    what: str,
    *,
    seconds: float,
    say: Say,
    log: Path,
    stdin: IO[bytes] | None = None,
) -> None:
    """Run a command with its output in a log; report every few seconds that it still runs."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until(
                what,
                lambda: "still running" if process.poll() is None else None,
                seconds=seconds,
                say=say,
                log=log,
            )
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise EmbeddedError(
            f"{what}: failed with exit code {process.returncode}.\nThe end of {log}:\n{last_lines(log)}"
        )
