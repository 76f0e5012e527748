"""Runs in a probe pod: listens on every port that LISTEN names, and answers every connection, until it is ended.

LISTEN is JSON: {"TCP": [ports], "UDP": [ports]}.
"""

import json
import os
import selectors
import socket

DATAGRAM_BYTES = 512
BACKLOG = 128


def main() -> None:
    """Listen for ever."""
    watched = selectors.DefaultSelector()
    for protocol, ports in json.loads(os.environ["LISTEN"]).items():
        for port in ports:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM)
            listener.bind(("", port))
            if protocol == "TCP":
                listener.listen(BACKLOG)
            watched.register(listener, selectors.EVENT_READ, listener)
    while True:
        for key, _ in watched.select():
            listener: socket.socket = key.data
            if listener.type == socket.SOCK_STREAM:
                listener.accept()[0].close()
            else:
                message, sender = listener.recvfrom(DATAGRAM_BYTES)
                listener.sendto(message, sender)


main()
