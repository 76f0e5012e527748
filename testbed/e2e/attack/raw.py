"""Requests that no client library would send, byte for byte."""

import socket
from contextlib import closing

from testbed.e2e.web import Site

HTTPS = 443
SECONDS = 5


def exchange(site: Site, content: bytes, *, name: str = "", seconds: float = SECONDS) -> bytes:
    """Send bytes over TLS to the platform's host; returns everything received until the host closes or pauses."""
    host = name or site.host
    received = b""
    with (
        closing(socket.create_connection((site.host, HTTPS), timeout=seconds)) as plain,
        site.trust.wrap_socket(plain, server_hostname=host) as line,
    ):
        line.sendall(content)
        try:
            while piece := line.recv(65536):
                received += piece
        except (TimeoutError, ConnectionError):
            # Kept open: it waits for more.
            pass
    return received


def statuses(received: bytes) -> list[int]:
    """Status of each answer in the received bytes."""
    lines = received.split(b"\r\n")
    return [int(line.split()[1]) for line in lines if line.startswith(b"HTTP/1.") and len(line.split()) > 1]
