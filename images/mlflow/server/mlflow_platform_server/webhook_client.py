"""HTTP client of webhooks: a POST through the webhook proxy, with one time limit for everything.

The time-outs of the packages `requests` and `urllib3` are for one read each, so a receiver that sends a byte now and
then could hold a thread for hours; and they wait as long as the receiver's `Retry-After` says. Here each operation on
the socket gets what is left of the whole delivery's time.
"""

import http.client
import io
import random
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

HTTPS = 443
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
# Longest part of a receiver's answer that is read; MLflow shows it to the caller of a test.
ANSWER_BYTES = 16 * 1024
# Bytes handed to the socket at once, so that a slow receiver is noticed in the middle of a long body.
PIECE_BYTES = 64 * 1024
REDIRECTS = range(300, 400)
RETRIED = frozenset({429, 500, 502, 503, 504})
OUT_OF_TIME = "no answer within the time for a delivery (server.bounds.webhookSeconds)"
CONNECTED = 200
REFUSED = 403


class DeliveryError(Exception):
    """A webhook was not delivered; the text says why, and names the receiver by its host only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Answer of a receiver."""

    status_code: int
    text: str
    """Part of the body that was read."""

    retry_after: float | None = None
    """Seconds after which the receiver asks for another attempt; None if it does not say."""


class Clock(Protocol):
    """Time in seconds, and a pause."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The way to the receivers."""

    proxy: tuple[str, int]
    """Host and port of the webhook proxy."""

    trust: ssl.SSLContext
    """CA certificates that receivers' certificates are verified with."""


# Sends a POST once, before a deadline.
Send = Callable[[str, bytes, Mapping[str, str], float], Answer]


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    deadline: float,
    send: Send,
    clock: Clock = time,
) -> Answer:
    """Send a webhook until a receiver takes it or `deadline` (of `clock.monotonic`) has come.

    Answers 429, 500, 502, 503, 504 and connections that fail are tried again, at most `ATTEMPTS` times in all. If the
    pause until then would not end before the deadline, the last answer is final.

    Raises:
        DeliveryError: no receiver has answered, or it redirects.
    """
    for attempt in range(ATTEMPTS):
        answer, failure = None, None
        try:
            answer = send(url, body, headers, deadline)
        except ssl.SSLCertVerificationError as error:
            raise DeliveryError(f"{_host(url)}: {error}") from error
        except TimeoutError:
            failure = DeliveryError(f"{_host(url)}: {OUT_OF_TIME}")
        except OSError as error:
            failure = DeliveryError(f"{_host(url)}: {error}")
        if answer is not None and answer.status_code in REDIRECTS:
            message = f"{_host(url)} answers with a redirect ({answer.status_code}), which is not followed."
            raise DeliveryError(message)
        if answer is not None and answer.status_code not in RETRIED:
            return answer
        pause = _pause(attempt, answer)
        if attempt + 1 == ATTEMPTS or clock.monotonic() + pause >= deadline:
            break
        clock.sleep(pause)
    if answer is not None:
        return answer
    raise failure or DeliveryError(_host(url))


def _pause(attempt: int, answer: Answer | None) -> float:
    doubled = FIRST_PAUSE_SECONDS * 2**attempt + random.random()  # noqa: S311 - spreads the attempts, no secret
    return max(doubled, answer.retry_after or 0) if answer is not None else doubled


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the receiver"


def send_once(route: Route, url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Answer:
    """Send a POST once, over a connection of its own. The look-up of the proxy's name is not within the deadline.

    Raises:
        DeliveryError: the proxy does not allow the host, or the answer is not HTTP.
        OSError: the connection failed, or the deadline has come (TimeoutError).
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    with socket.create_connection(route.proxy, timeout=_left(deadline)) as plain:
        _open_tunnel(plain, host, deadline)
        plain.settimeout(_left(deadline))
        with route.trust.wrap_socket(plain, server_hostname=host) as secure:
            _send(secure, _request(parts.path, parts.query, host, body, headers), deadline)
            return _answer(secure, deadline)


def _open_tunnel(connection: socket.socket, host: str, deadline: float) -> None:
    _send(connection, f"CONNECT {host}:{HTTPS} HTTP/1.1\r\nHost: {host}:{HTTPS}\r\n\r\n".encode("ascii"), deadline)
    # Without a buffer: the bytes after the proxy's answer belong to TLS.
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        connection.settimeout(_left(deadline))
        byte = connection.recv(1)
        if not byte or len(head) > ANSWER_BYTES:
            message = "the webhook proxy has closed the connection"
            raise OSError(message)
        head += byte
    status = head.split(b" ", 2)[1].decode("ascii", "replace")
    if status == str(REFUSED):
        message = f"The webhook proxy does not connect to {host}: it is not in server.webhookHosts, its name cannot be"
        message += " resolved, or one of its addresses is not public."
        raise DeliveryError(message)
    if status != str(CONNECTED):
        message = f"the webhook proxy cannot connect (status {status})"
        raise OSError(message)


def _request(path: str, query: str, host: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    target = (path or "/") + (f"?{query}" if query else "")
    fields = {
        **headers,
        "Host": host,
        "Content-Length": str(len(body)),
        "User-Agent": "mlflow-platform-webhooks",
        "Accept": "*/*",
        "Connection": "close",
    }
    lines = [f"POST {_quoted(target)} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any(character in line for line in lines for character in "\r\n"):
        message = "The webhook's URL or headers contain a line break."
        raise DeliveryError(message)
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def _quoted(target: str) -> str:
    """Quote characters that are not allowed in a request line; quoted ones stay as they are."""
    return "".join(
        character if "!" <= character <= "~" else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in target
    )


def _send(connection: socket.socket, content: bytes, deadline: float) -> None:
    for start in range(0, len(content), PIECE_BYTES):
        connection.settimeout(_left(deadline))
        connection.sendall(content[start : start + PIECE_BYTES])


def _answer(connection: socket.socket, deadline: float) -> Answer:
    # `HTTPResponse` asks for nothing of a socket but a file to read from.
    response = http.client.HTTPResponse(_Readable(connection, deadline), method="POST")
    try:
        response.begin()
        body = response.read(ANSWER_BYTES)
    except http.client.HTTPException as error:
        message = f"The answer is not HTTP: {type(error).__name__}."
        raise DeliveryError(message) from error
    return Answer(
        status_code=response.status,
        text=body.decode("utf-8", "replace"),
        retry_after=_seconds(response.getheader("Retry-After")),
    )


def _seconds(text: str | None) -> float | None:
    """Number of seconds in `Retry-After`; None for a date, which receivers of webhooks rarely send."""
    return float(text) if text is not None and text.isascii() and text.isdecimal() else None


class _Readable:
    """A connection as `http.client.HTTPResponse` reads from it."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._raw = _Raw(connection, deadline)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


class _Raw(io.RawIOBase):
    """Reads from a connection with the time that is left until the deadline."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:
        self._connection.settimeout(_left(self._deadline))
        return self._connection.recv_into(buffer)


def _left(deadline: float) -> float:
    """Seconds until the deadline.

    Raises:
        TimeoutError: the deadline has passed.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(OUT_OF_TIME)
    return left
