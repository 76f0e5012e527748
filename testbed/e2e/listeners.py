"""Listening sockets on the embedded node, read from its kernel: in the node's network and in that of every pod."""

import re
import socket
import struct
from pathlib import Path

from testbed.node.process import Node
from testbed.paths import home

# States of /proc/net/tcp (include/net/tcp_states.h); an unconnected UDP socket is in the state that TCP calls closed.
LISTENING = {"tcp": "0A", "udp": "07"}
EVERYWHERE = "00000000"
LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")

Listener = tuple[str, int, str]


def listeners() -> set[Listener]:
    """Address, port and protocol of every socket that other pods might reach; not those of a pod's loopback."""
    seen: set[str] = set()
    found: set[Listener] = set()
    # The node's own /proc: the machine may have another cluster with the same addresses.
    for process in Path(f"/proc/{Node(home()).running().pid}/root/proc").glob("[0-9]*"):
        try:
            network = str((process / "ns" / "net").readlink())
            if network not in seen:
                found |= _of(process / "net")
                seen.add(network)
        except OSError:
            # It has ended meanwhile.
            continue
    return found


def _of(net: Path) -> set[Listener]:
    own = {address for address in LOCAL.findall((net / "fib_trie").read_text()) if not address.startswith("127.")}
    found: set[Listener] = set()
    for file in ("tcp", "tcp6", "udp", "udp6"):
        protocol = file[:3]
        for line in (net / file).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == LISTENING[protocol]:
                address, port = local.split(":")
                found |= {(where, int(port, 16), protocol.upper()) for where in _reached_at(address, own)}
    return found


def _reached_at(address: str, own: set[str]) -> set[str]:
    """The network's addresses at which a socket can be reached."""
    # The last 32 bits: of an IPv6 socket that takes IPv4 too, they are the IPv4 address.
    last = address[-8:]
    if last == EVERYWHERE:
        return own
    return {socket.inet_ntoa(struct.pack("=I", int(last, 16)))} & own
