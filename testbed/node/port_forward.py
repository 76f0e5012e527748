"""Port forwarding from the machine's loopback address into the node; `forward.py` is the program that does it.

The listening sockets are opened here, in the machine's network; the program inherits them and runs in the node's
network. The forwarded ports are the only network path from the machine into the node.
"""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import EmbeddedError
from testbed.node.kubeadm import API_PORT, NODE_ADDRESS
from testbed.node.progress import Say, wait_until
from testbed.node.record import PROC, ProcessRecord
from testbed.paths import CHECKOUT, Home

LOOPBACK = "127.0.0.1"
HTTPS_PORT = 443
API_PORT_ON_MACHINE = 16_443
# Cluster IP of Traefik's Service in testbed/addons/traefik.yaml.
TRAEFIK_ADDRESS = "10.96.0.80"
ROUTES = {
    HTTPS_PORT: f"{TRAEFIK_ADDRESS}:{HTTPS_PORT}",
    API_PORT_ON_MACHINE: f"{NODE_ADDRESS}:{API_PORT}",
}
BACKLOG = 512
SECONDS = 10
ANSWER_SECONDS = 2
LISTEN_STATE = "0A"


@dataclass(frozen=True)
class PortForward:
    """The port forwarding of the node that keeps its state in `home`."""

    home: Home

    @property
    def log(self) -> Path:
        """Log of failed connections."""
        return self.home.logs / "port-forward.log"

    @property
    def _record(self) -> Path:
        # The file name that earlier checkouts use; a cluster of theirs may still be running.
        return self.home.node / "door"

    def record(self) -> ProcessRecord | None:
        """Return the record of the port forwarding's process; None if it does not run."""
        record = ProcessRecord.load(self._record)
        return record if record and record.alive() else None

    def check(self) -> None:
        """Raise an error if another program uses one of the forwarded ports."""
        if self.record() is None:
            for port in ROUTES:
                listen(port).close()

    def open(self, node: ProcessRecord, say: Say) -> None:
        """Start the port forwarding of a running node, unless it works already."""
        if self.record() is not None:
            if all(answers(port) for port in ROUTES):
                return
            say("port forwarding: does not answer; restarting it")
            self.close()
        listeners: list[socket.socket] = []
        try:
            listeners.extend(listen(port) for port in ROUTES)
            routes = [f"{one.fileno()}={target}" for one, target in zip(listeners, ROUTES.values(), strict=True)]
            process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/proc/{node.pid}/ns/net", sys.executable, "-m", "testbed.node.forward"),
                    *(str(node.pid), str(self._record), str(self.log), *routes),
                ],
                pass_fds=[one.fileno() for one in listeners],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.log.open("ab"),
                start_new_session=True,
                cwd="/",
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            )
        finally:
            for listener in listeners:
                listener.close()

        def missing() -> str | None:
            if (code := process.poll()) is not None:
                return f"it ended with exit code {code}"
            return None if self.record() else "it has not started"

        wait_until("port forwarding", missing, seconds=SECONDS, say=say, log=self.log)

    def close(self) -> None:
        """Stop the port forwarding; its connections break."""
        if record := self.record():
            record.signal(signal.SIGTERM)
            if not record.ended_within(SECONDS):
                record.signal(signal.SIGKILL)
                record.ended_within(SECONDS)


def answers(port: int) -> bool:
    """True if a loopback port accepts connections."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def listen(port: int) -> socket.socket:
    """Listen on a loopback port; if it is in use, the error names the program that uses it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Otherwise connections of a process that was just killed would block the port for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise EmbeddedError(
            f"cannot listen on {LOOPBACK}:{port}, which is needed to reach the cluster: {error.strerror}"
            f" (used by {holder(port)}). Stop that program, then run the same command again."
        ) from error
    return listener


def listening_inode(table: str, port: int) -> str | None:
    """Return the inode of the socket that listens on a port, from the text of /proc/net/tcp or tcp6."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTEN_STATE and int(fields[1].rpartition(":")[2], 16) == port:
            return fields[9]
    return None


def holder(port: int) -> str:
    """Return pid and command line of the process that listens on a port of this machine."""
    inodes = (listening_inode((PROC / "net" / table).read_text(), port) for table in ("tcp", "tcp6"))
    inode = next((found for found in inodes if found), None)
    for process in PROC.iterdir() if inode else ():
        if not process.name.isdecimal():
            continue
        try:
            if any(str(link.readlink()) == f"socket:[{inode}]" for link in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"pid {process.name}: {command}"
        except OSError:  # it has ended meanwhile
            continue
    return "an unknown program"
