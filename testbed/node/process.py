"""The node as a process of the machine: start, find, enter, stop.

Its pid 1 (`boot.sh`, then `node-init`) runs in its own mount, network, pid, host name and IPC namespaces. When that
process ends, the kernel ends all others in the node and removes its mounts and network.
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
# node-init gives workloads 25 s and the control plane 4 s to end.
STOP_SECONDS = 45
KILL_SECONDS = 20
# Exit code of boot.sh if another node holds the lock.
ALREADY_RUNS = 75
# Exists in the node's root file system, but not in the machine's.
INIT = "usr/local/sbin/node-init"
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Node:
    """The node that keeps its state in `home`."""

    home: Home

    def record(self) -> ProcessRecord | None:
        """Return the record of the node's pid 1; None if the node does not run."""
        record = ProcessRecord.load(self._record)
        return record if record and record.alive() else None

    def running(self) -> ProcessRecord:
        """Return the record of the node's pid 1; raise an error if the node does not run."""
        if record := self.record():
            return record
        raise EmbeddedError(f"the node is not running: start it with `make up` (log: {self.boot_log})")

    def started(self) -> datetime:
        """Return the node's start time, in whole seconds like Kubernetes' times."""
        return datetime.fromtimestamp(int(self._record.stat().st_mtime), UTC)

    @property
    def _record(self) -> Path:
        """Process record of the node's init (pid 1). Init writes it itself, so every running node has one."""
        return self.home.node / "record"

    @property
    def boot_log(self) -> Path:
        """Log of the node's start, until the node has its own root file system."""
        return self.home.logs / "node" / "boot.log"

    def start(self, rootfs: Path, say: Say) -> None:
        """Start the node and wait until commands can be run inside it."""
        for directory in (self.home.node, self.home.volumes, self.home.logs / "node", self.home.logs / "pods"):
            directory.mkdir(parents=True, exist_ok=True)
        boot = [BOOT, rootfs, self.home.node, self.home.volumes, self.home.logs, PROJECT]
        with self.boot_log.open("wb") as log:
            process = subprocess.Popen(
                ["unshare", *NAMESPACES, "--fork", "sh", *boot],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # In a session of its own: closing the terminal or Ctrl-C does not end the node.
                start_new_session=True,
                cwd="/",
            )
        # A node may be running already: started by an `up` that was killed before the record was written.
        self.wait(say, failed=lambda: process.poll() not in {None, ALREADY_RUNS})

    def wait(self, say: Say, failed: Callable[[], bool]) -> None:
        """Wait until commands can be run inside a starting node, and its containerd answers."""

        def missing() -> str | None:
            if failed():
                raise EmbeddedError(
                    f"the node ended while starting. The end of {self.boot_log}:\n{last_lines(self.boot_log)}"
                )
            record = self.record()
            if record is None:
                return "its pid 1 has not started"
            # Without INIT, its root file system is still the machine's, and a command would run on the machine.
            if not (PROC / str(record.pid) / "root" / INIT).exists():
                return "its root file system is not mounted"
            answer = subprocess.run(self.inside("timeout", "5", "ctr", "version"), capture_output=True, check=False)
            return None if answer.returncode == 0 else "containerd does not answer"

        wait_until("node", missing, seconds=START_SECONDS, say=say, log=self.home.logs / "node" / "containerd.log")

    def inside(self, *command: str) -> list[str]:
        """Return the command line that runs `command` inside the node, with a clean environment."""
        record = self.running()
        clean = ["env", "-i", f"PATH={INSIDE_PATH}", "HOME=/root"]
        return ["nsenter", f"--target={record.pid}", *NAMESPACES, "--", *clean, *command]

    def stop(self, say: Say) -> None:
        """Stop the pods, then the node; kill it after `STOP_SECONDS`."""
        record = self.record()
        if record is None:
            return
        say("node: stopping its pods")
        record.signal(signal.SIGTERM)
        if not record.ended_within(STOP_SECONDS):
            say(f"node: did not stop within {STOP_SECONDS} s; killing it")
        self.kill()

    def kill(self) -> None:
        """Kill the node, as a power cut would; its data stays."""
        record = self.record()
        if record is not None:
            record.signal(signal.SIGKILL)
            if not record.ended_within(KILL_SECONDS):
                raise EmbeddedError(
                    f"the node (pid {record.pid}) is still running {KILL_SECONDS} s after SIGKILL. A process in it"
                    " is blocked in the kernel, usually by a disk: check `dmesg`, and reboot if it does not end."
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
                # Busy: the port forwarding is still in it, or the kernel is not done. An empty cgroup does no harm.
                break


def check_machine() -> None:
    """Fail on a machine that cannot run a node, before anything is built."""
    if os.geteuid() != 0:
        raise EmbeddedError("the embedded node needs root (for namespaces and mounts): run the command as root")
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        raise EmbeddedError(
            f"programs not found on PATH: {', '.join(absent)}. Install util-linux (Debian: apt-get install util-linux)"
        )
