"""The node as a process of the machine: started, found again, entered, stopped.

Its pid 1 (`boot.sh`, then `node-init`) runs in mount, network, pid, host name and IPC namespaces of its own.
When that one process ends, the kernel ends every other in the node and takes its mounts and network away.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from testbed.errors import EmbeddedError
from testbed.node.progress import Say, last_lines, wait_until
from testbed.node.record import PROC, ProcessRecord
from testbed.paths import PROJECT, Home

BOOT = Path(__file__).with_name("boot.sh")
TOOLS = ("unshare", "nsenter", "flock", "mount", "pivot_root")
NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc")
INSIDE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 60
# node-init gives workloads 25 s and the control plane 4 s.
STOP_SECONDS = 45
KILL_SECONDS = 20
# Exit code of boot.sh when it finds the lock held.
ALREADY_RUNS = 75
# In the node's root file system, and in no machine's.
INIT = "usr/local/sbin/node-init"
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Node:
    """The node that keeps its state in `home`."""

    home: Home

    def record(self) -> ProcessRecord | None:
        """Return the running node's pid 1, or None."""
        record = ProcessRecord.load(self._record)
        return record if record and record.alive() else None

    def running(self) -> ProcessRecord:
        """Return the running node's pid 1, or say that there is none."""
        if record := self.record():
            return record
        raise EmbeddedError(f"the node does not run; start it with `make up` (its log: {self.boot_log})")

    def started(self) -> datetime:
        """Return when the node started, to the second, as Kubernetes writes times."""
        return datetime.fromtimestamp(int(self._record.stat().st_mtime), UTC)

    @property
    def _record(self) -> Path:
        """Written by the node's pid 1 itself, so that no node runs without."""
        return self.home.node / "record"

    @property
    def boot_log(self) -> Path:
        """What was said until the node had its own root."""
        return self.home.logs / "node" / "boot.log"

    def start(self, rootfs: Path, say: Say) -> None:
        """Start the node and wait until it can be entered."""
        for directory in (self.home.node, self.home.volumes, self.home.logs / "node", self.home.logs / "pods"):
            directory.mkdir(parents=True, exist_ok=True)
        boot = [BOOT, rootfs, self.home.node, self.home.volumes, self.home.logs, PROJECT]
        with self.boot_log.open("wb") as log:
            process = subprocess.Popen(
                ["unshare", *NAMESPACES, "--fork", "sh", *boot],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # The node is nobody's child: it stays when the terminal closes, and Ctrl-C is not for it.
                start_new_session=True,
                cwd="/",
            )
        # Another node may run after all: an `up` that was killed had started it and not yet seen its record.
        self.wait(say, failed=lambda: process.poll() not in {None, ALREADY_RUNS})

    def wait(self, say: Say, failed: Callable[[], bool]) -> None:
        """Wait until a node that starts can be entered and its containerd answers."""

        def missing() -> str | None:
            if failed():
                raise EmbeddedError(
                    f"the node ended while it started. {self.boot_log} says:\n{last_lines(self.boot_log)}"
                )
            record = self.record()
            if record is None:
                return "its pid 1 has not begun"
            # Until then its root is the machine's, and a command would be run on the machine.
            if not (PROC / str(record.pid) / "root" / INIT).exists():
                return "its root is not there"
            answer = subprocess.run(self.inside("timeout", "5", "ctr", "version"), capture_output=True, check=False)
            return None if answer.returncode == 0 else "containerd does not answer"

        wait_until("node", missing, seconds=START_SECONDS, say=say, log=self.home.logs / "node" / "containerd.log")

    def inside(self, *command: str) -> list[str]:
        """Return the command line that runs `command` inside the node, with nothing of the caller's environment."""
        record = self.running()
        clean = ["env", "-i", f"PATH={INSIDE_PATH}", "HOME=/root"]
        return ["nsenter", f"--target={record.pid}", *NAMESPACES, "--", *clean, *command]

    def stop(self, say: Say) -> None:
        """Let the pods end, then the node; after a bounded time end it the hard way."""
        record = self.record()
        if record is None:
            return
        say("node: ends its pods")
        record.signal(signal.SIGTERM)
        if not record.ended_within(STOP_SECONDS):
            say(f"node: did not end within {STOP_SECONDS} s, is killed")
        self.kill()

    def kill(self) -> None:
        """End the node as a power cut would; what it wrote stays."""
        record = self.record()
        if record is not None:
            record.signal(signal.SIGKILL)
            if not record.ended_within(KILL_SECONDS):
                raise EmbeddedError(
                    f"the node (pid {record.pid}) did not end {KILL_SECONDS} s after SIGKILL. A process in it waits for"
                    " the kernel, most often for a disk: look at `dmesg`, and restart the machine if it does not end."
                )
        _remove_cgroups()


def _remove_cgroups() -> None:
    for root in (CGROUPS, *CGROUPS.iterdir()):
        top = root / PROJECT
        if root.is_symlink() or not top.is_dir():
            continue
        for directory, _, _ in os.walk(top, topdown=False):
            try:
                Path(directory).rmdir()
            except OSError:
                # Busy: the door is still in it, or the kernel is not done. An empty group does no harm.
                break


def check_machine() -> None:
    """Refuse a machine on which no node can run, before anything is built for it."""
    if os.geteuid() != 0:
        raise EmbeddedError("the embedded node needs root (namespaces, mounts): run the command as root")
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        raise EmbeddedError(
            f"not on PATH: {', '.join(absent)}. Install util-linux (Debian: apt-get install util-linux)"
        )
