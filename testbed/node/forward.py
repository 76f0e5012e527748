"""The port forwarding program: forwards TCP connections from the machine into the node's network.

It runs inside the node's network namespace, with listening sockets that were opened outside of it, so that the
machine needs no interface or address for the node. It ends when the node ends.

    python -m testbed.node.forward NODE_PID RECORD LOG FD=HOST:PORT...
"""

import asyncio
import contextlib
import logging
import os
import resource
import socket
import sys
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Self

from testbed.node.record import write_own_record
from testbed.paths import PROJECT

CHUNK_BYTES = 65_536
CONNECT_SECONDS = 10
# Each connection takes two file descriptors. Further connections wait in the listen queue.
MAX_CONNECTIONS = 1_024
FILE_DESCRIPTORS = 4_096
LOG_BYTES = 1_048_576
# After two minutes, detects a peer that disappeared without closing the connection.
KEEPALIVE = {socket.TCP_KEEPIDLE: 60, socket.TCP_KEEPINTVL: 15, socket.TCP_KEEPCNT: 4}

log = logging.getLogger("port-forward")


@dataclass(frozen=True)
class Route:
    """An inherited listening socket (its file descriptor) and the target of its connections."""

    descriptor: int
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `FD=HOST:PORT`."""
        descriptor, _, target = text.partition("=")
        host, _, port = target.rpartition(":")
        return cls(int(descriptor), host, int(port))


async def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy data from `source` until its end, then close `sink` for writing; the other direction continues."""
    loop = asyncio.get_running_loop()
    # One chunk at a time: a slow reader slows the writer down, and memory use stays bounded.
    while chunk := await loop.sock_recv(source, CHUNK_BYTES):
        await loop.sock_sendall(sink, chunk)
    with contextlib.suppress(OSError):  # the other side may have closed already
        sink.shutdown(socket.SHUT_WR)


def _tune(connection: socket.socket) -> None:
    connection.settimeout(0)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


async def carry(client: socket.socket, host: str, port: int) -> None:
    """Forward one client's connection to the target, in both directions; an error affects this connection only."""
    with client, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as target:
        try:
            _tune(client)
            _tune(target)
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(target, (host, port))
        except OSError as error:  # TimeoutError is one
            log.warning("%s:%s cannot be reached: %s", host, port, error or "no answer")
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(client, target))
                both.create_task(_pump(target, client))
        except* OSError as aborted:
            # One side broke the connection; the task group has cancelled the other direction.
            log.debug("connection to %s:%s broke: %s", host, port, aborted.exceptions[0])


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Accept connections and forward them to the target, until cancelled."""
    loop = asyncio.get_running_loop()
    free = asyncio.Semaphore(MAX_CONNECTIONS)
    running: set[asyncio.Task[None]] = set()

    def ended(task: asyncio.Task[None]) -> None:
        free.release()
        running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a connection to %s:%s failed", host, port, exc_info=error)

    while True:
        await free.acquire()
        try:
            client, _ = await loop.sock_accept(listener)
        except OSError as error:
            # The client has disconnected, or file descriptors ran out. Go on in both cases.
            free.release()
            log.warning("accepting a connection for %s:%s failed: %s", host, port, error)
            await asyncio.sleep(0.1)
            continue
        task = asyncio.create_task(carry(client, host, port))
        running.add(task)
        task.add_done_callback(ended)


async def _until_node_ends(node_pid: int, routes: list[Route]) -> None:
    node = os.pidfd_open(node_pid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(node, ended.set)
    async with asyncio.TaskGroup() as group:
        servers: list[asyncio.Task[None]] = []
        for route in routes:
            listener = socket.socket(fileno=route.descriptor)
            listener.settimeout(0)
            servers.append(group.create_task(serve(listener, route.host, route.port)))
        await ended.wait()
        for server in servers:
            server.cancel()
    log.info("ending, because the node has ended")


def _join_cgroup() -> None:
    """Move into the node's cgroups, so that limits on the shell that ran `up` do not apply."""
    groups = Path("/sys/fs/cgroup")
    # Version 2 has one tree, version 1 has one for each controller.
    for pattern in (f"{PROJECT}/node/cgroup.procs", f"*/{PROJECT}/node/cgroup.procs"):
        for processes in groups.glob(pattern):
            processes.write_text("0")


def main(arguments: list[str]) -> None:
    """Run with the arguments described in the module's docstring."""
    node_pid, record, log_file, *routes = arguments
    _join_cgroup()
    handler = RotatingFileHandler(log_file, maxBytes=LOG_BYTES, backupCount=1)
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(asctime)s %(levelname)s %(message)s")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILE_DESCRIPTORS, most), most))
    log.info("forwarding: %s", ", ".join(routes))
    write_own_record(Path(record))
    asyncio.run(_until_node_ends(int(node_pid), [Route.parse(text) for text in routes]))


if __name__ == "__main__":
    main(sys.argv[1:])
