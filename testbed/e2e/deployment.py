"""A deployment as a process that can be killed; its output and its processes' command lines are recorded."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.e2e.commands import CHECKOUT, POLL_SECONDS, run

STOP = 9
# Field 6 of /proc/PID/stat is the session (proc_pid_stat(5)); the fields after the program's name begin with the third.
SESSION = 6 - 3


@dataclass(slots=True)
class Deployment:
    """A running `make up`, or a part of it."""

    process: subprocess.Popen[bytes]
    output: Path
    seen: set[bytes] = field(default_factory=set[bytes], repr=False)
    """Command lines and environments of all its processes."""

    def said(self) -> str:
        """Its output so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def watch_until(self, condition: Callable[[], bool], *, seconds: float) -> None:
        """Watch its processes until a condition holds.

        Raises:
            AssertionError: the deployment ended first, or the condition does not hold in time.
        """
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"it ended too early ({self.process.returncode}):\n{self.said()}"
            assert time.monotonic() < end, f"not within {seconds} s:\n{self.said()}"
            self._look()
            time.sleep(POLL_SECONDS)

    def finish(self, *, seconds: float) -> None:
        """Watch the processes of the deployment until it has succeeded."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"not within {seconds} s:\n{self.said()}"
            self._look()
            time.sleep(POLL_SECONDS)
        assert self.process.returncode == 0, self.said()

    def kill(self) -> None:
        """End all its processes as a power cut would. Plugins of Pulumi have groups of their own, but one session."""
        for process in _session(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(process, STOP)
        self.process.wait()

    def _look(self) -> None:
        for process in _session(self.process.pid):
            for file in ("cmdline", "environ"):
                with suppress(OSError):
                    self.seen.add(Path(f"/proc/{process}/{file}").read_bytes())


def make_up(output: Path) -> AbstractContextManager[Deployment]:
    """Start `make up`; none of its processes outlives the block."""
    return started("make", "up", output=output)


@contextmanager
def started(
    *command: str, output: Path, cwd: Path = CHECKOUT, env: Mapping[str, str] | None = None
) -> Generator[Deployment]:
    """Start a command that deploys; none of its processes outlives the block."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deployment = Deployment(process=process, output=output)
    try:
        yield deployment
    finally:
        deployment.kill()


def state() -> dict[str, Any]:
    """The stack's state, secrets encrypted."""
    return json.loads(run("pulumi", "stack", "export").stdout)["deployment"]


def state_ids() -> set[tuple[str, str]]:
    """Kind and id of every Kubernetes object that the state knows."""
    return {
        (resource["type"].rpartition(":")[2], resource["id"])
        for resource in state().get("resources", ())
        if resource["type"].startswith("kubernetes:") and "id" in resource
    }


def _session(leader: int) -> list[int]:
    """Processes of the session that a process leads."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                if int(fields[SESSION]) == leader:
                    found.append(int(entry.name))
    return found
