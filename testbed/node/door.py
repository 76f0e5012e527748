"""The door: the one way from the machine into the node (see `forward.py` for the program itself).

It listens on the machine's loopback address only. The listening sockets are opened here, in the machine's
network; the program inherits them and runs in the node's network.
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
API_DOOR_PORT = 16_443
# Traefik's Service in testbed/addons/traefik.yaml.
TRAEFIK_ADDRESS = "10.96.0.80"
WAYS = {
    HTTPS_PORT: f"{TRAEFIK_ADDRESS}:{HTTPS_PORT}",
    API_DOOR_PORT: f"{NODE_ADDRESS}:{API_PORT}",
}
BACKLOG = 512
SECONDS = 10
ANSWER_SECONDS = 2
LISTEN_STATE = "0A"


@dataclass(frozen=True)
class Door:
    """The door of the node that keeps its state in `home`."""

    home: Home

    @property
    def log(self) -> Path:
        """What the door could not carry."""
        return self.home.logs / "door.log"

    def record(self) -> ProcessRecord | None:
        """Return the open door's process, or None."""
        record = ProcessRecord.load(self.home.node / "door")
        return record if record and record.alive() else None

    def check(self) -> None:
        """Say who has the ports, before anything else is done that would be in vain."""
        if self.record() is None:
            for port in WAYS:
                listen(port).close()

    def open(self, node: ProcessRecord, say: Say) -> None:
        """Start the door of a running node, unless it is open."""
        if self.record() is not None:
            if all(answers(port) for port in WAYS):
                return
            say("door: does not answer, is opened anew")
            self.close()
        listeners: list[socket.socket] = []
        try:
            listeners.extend(listen(port) for port in WAYS)
            ways = [f"{one.fileno()}={target}" for one, target in zip(listeners, WAYS.values(), strict=True)]
            process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/proc/{node.pid}/ns/net", sys.executable, "-m", "testbed.node.forward"),
                    *(str(node.pid), str(self.home.node / "door"), str(self.log), *ways),
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
            return None if self.record() else "it has not begun"

        wait_until("door", missing, seconds=SECONDS, say=say, log=self.log)

    def close(self) -> None:
        """End the door; connections through it break off."""
        if record := self.record():
            record.signal(signal.SIGTERM)
            if not record.ended_within(SECONDS):
                record.signal(signal.SIGKILL)
                record.ended_within(SECONDS)


def answers(port: int) -> bool:
    """Tell whether somebody accepts connections on a loopback port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def listen(port: int) -> socket.socket:
    """Listen on a loopback port, or say who does already."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A door that was just killed leaves connections behind that would keep the port for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise EmbeddedError(
            f"port {port} of {LOOPBACK} is needed to reach the cluster, and cannot be had: {error.strerror}"
            f" (used by {holder(port)}). Stop that program, then run the same command again."
        ) from error
    return listener


def listening_inode(table: str, port: int) -> str | None:
    """Find the socket that listens on a port in the text of /proc/net/tcp or tcp6."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTEN_STATE and int(fields[1].rpartition(":")[2], 16) == port:
            return fields[9]
    return None


def holder(port: int) -> str:
    """Name the process that listens on a port of this machine."""
    inodes = (listening_inode((PROC / "net" / table).read_text(), port) for table in ("tcp", "tcp6"))
    inode = next((found for found in inodes if found), None)
    for process in PROC.iterdir() if inode else ():
        if not process.name.isdecimal():
            continue
        try:
            if any(str(link.readlink()) == f"socket:[{inode}]" for link in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"pid {process.name}: {command}"
        except OSError:  # it ended while we looked
            continue
    return "a program that could not be found out"
