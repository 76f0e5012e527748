"""Running programs with a time limit; a failure contains the program's output."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# Enough of a program's output to find the cause of a failure.
LAST_CHARACTERS = 4000
POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A program that has ended."""

    code: int
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    seconds: float

    @property
    def said(self) -> str:
        """Standard output and standard error together."""
        return self.stdout + self.stderr


def run(
    *command: str | Path,
    seconds: float = 60,
    env: Mapping[str, str] | None = None,
    inherit: bool = True,
    cwd: Path = CHECKOUT,
    stdin: str = "",
    expected: int | None = 0,
) -> Finished:
    """Run a program to its end.

    Args:
        command: the program and its arguments.
        seconds: time limit; after it the program and all its children are killed.
        env: its environment.
        inherit: also pass the tests' own environment.
        cwd: its working directory.
        stdin: its standard input.
        expected: exit code that it must have; None allows any.

    Raises:
        AssertionError: the exit code is another one, or the time is over; the message has the end of the output.
    """
    start = time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env={**(os.environ if inherit else {}), **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_group(process.pid)
        stdout, stderr = process.communicate()
        raise AssertionError(f"{_line(command)} took more than {seconds} s\n{_last(stdout, stderr)}") from None
    if expected is not None and process.returncode != expected:
        raise AssertionError(
            f"{_line(command)} ended with {process.returncode}, expected {expected}\n{_last(stdout, stderr)}"
        )
    return Finished(code=process.returncode, stdout=stdout, stderr=stderr, seconds=time.monotonic() - start)


def kill_group(leader: int) -> None:
    """Kill a process and all its children at once, as a power cut would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def wait_for(what: str, condition: Callable[[], bool], *, seconds: float) -> float:
    """Wait until a condition holds; returns the seconds that passed.

    Raises:
        AssertionError: the condition does not hold in time.
    """
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - start


def _line(command: tuple[str | Path, ...]) -> str:
    return " ".join(str(part).partition("\n")[0] for part in command)


def _last(stdout: str, stderr: str) -> str:
    return "\n".join(filter(None, (stdout[-LAST_CHARACTERS:], stderr[-LAST_CHARACTERS:])))
