"""Connections that send a request in any pieces and at any pace, as no HTTP client would."""

import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing

from benchmarks.load import Way

# Bytes of an answer that are read; the status and the error text are in them.
ANSWER_BYTES = 4096
POLL_SECONDS = 0.2
# An answer that arrives later than this is counted as none.
ANSWER_SECONDS = 90


def head(way: Way, method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """The request line and headers of a request, including the headers of `way` (identity, workspace)."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {way.host}"]
    lines += [f"{name}: {value}" for name, value in {**way.headers, **headers}.items()]
    return "\r\n".join((*lines, "", "")).encode()


def ask(way: Way, pieces: Iterable[bytes], stop: threading.Event, *, pause: float = 0) -> str:
    """Send the pieces, `pause` seconds apart, and return the status of the answer, or how the connection ended.

    The connection is closed when an answer has arrived or `stop` is set.
    """
    with ExitStack() as stack:
        try:
            plain = stack.enter_context(closing(socket.create_connection(way.address, ANSWER_SECONDS)))
            line: socket.socket = plain
            if way.authority is not None:
                trust = ssl.create_default_context(cadata=way.authority)
                line = stack.enter_context(trust.wrap_socket(plain, server_hostname=way.host))
            return _talk(line, pieces, stop, pause)
        except (OSError, ValueError) as error:
            return type(error).__name__


def _talk(line: socket.socket, pieces: Iterable[bytes], stop: threading.Event, pause: float) -> str:
    broken = False
    for piece in pieces:
        try:
            line.sendall(piece)
        except OSError:
            # The server has stopped reading; its answer may have arrived before.
            broken = True
            break
        if stop.wait(pause):
            return "stopped"
    line.settimeout(POLL_SECONDS)
    received = b""
    for _ in range(int(ANSWER_SECONDS / POLL_SECONDS)):
        try:
            piece = line.recv(ANSWER_BYTES)
        except TimeoutError:
            if stop.is_set():
                return "waiting"
            continue
        received += piece
        if b"\r\n" in received:
            return received.split(b" ", 2)[1].decode("latin-1")
        if not piece:
            break
    return "broken" if broken else "closed"
