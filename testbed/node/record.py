"""Records of processes that outlive the command that started them.

A pid alone is not enough: after a reboot, or when the kernel reuses it, it belongs to another process. A record holds
the machine's boot id, the pid and the process's start time.
"""

import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from testbed.node.writing import write_whole

PROC = Path("/proc")
# Positions in /proc/PID/stat, counted from the field after the command name (proc(5)).
STATE_FIELD = 0
START_FIELD = 19


def _boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def _fields(stat: str) -> list[str]:
    # The command name is in brackets, and may itself contain spaces and brackets.
    return stat.rpartition(")")[2].split()


@dataclass(frozen=True)
class ProcessRecord:
    """A process, identified by the machine's boot id, the pid and the start time."""

    boot_id: str
    pid: int
    started: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parse a record: the boot id, and on the next line the text of /proc/PID/stat; None if it is incomplete."""
        lines = text.splitlines()
        try:
            boot_id, stat = lines
            return cls(boot_id, int(stat.split(" ", 1)[0]), _fields(stat)[START_FIELD])
        except (ValueError, IndexError):
            return None

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read a record file; None if it does not exist or is incomplete."""
        return cls.parse(path.read_text()) if path.exists() else None

    def alive(self) -> bool:
        """True if exactly this process still runs."""
        try:
            fields = _fields((PROC / str(self.pid) / "stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            return False
        return self.boot_id == _boot_id() and fields[START_FIELD] == self.started and fields[STATE_FIELD] not in "ZX"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to exactly this process; does nothing if it has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # Checked after opening: the descriptor refers to this process even if the pid is reused.
            if self.alive():
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return
        finally:
            os.close(descriptor)

    def ended_within(self, seconds: float) -> bool:
        """Wait for the process to end; False if it still runs after `seconds`."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive():
                return True
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        finally:
            os.close(descriptor)


def write_own_record(path: Path) -> None:
    """Write the record of the calling process."""
    write_whole(path, f"{_boot_id()}\n{(PROC / 'self/stat').read_text()}")
