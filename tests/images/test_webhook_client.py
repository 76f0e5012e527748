"""A webhook is sent through the proxy, with TLS to the receiver, in a time that includes every attempt."""

import datetime as dt
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mlflow_platform_server.webhook_client import (
    ANSWER_BYTES,
    ATTEMPTS,
    Answer,
    DeliveryError,
    Route,
    post,
    send_once,
)

from components.exposure.certificate import authority_certificate, self_signed

HOST = "hooks.example.com"
URL = f"https://{HOST}/in?a=b"
SEED = b"an authority of the company's own"
# Far away, for what does not wait.
SOON = 20.0
# Bytes, a hundredth of a second apart: many times the time of the delivery.
TRICKLE = 1000
Handler = Callable[[ssl.SSLSocket, bytes], None]


@dataclass
class Clock:
    """A clock that stands still unless somebody sleeps."""

    now: float = 0
    slept: list[float] = field(default_factory=list[float])

    def monotonic(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float, /) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Receiver:
    """A receiver that gives answers in turn, and repeats the last one."""

    answers: list[Answer | OSError]
    asked: int = 0

    def send(self, url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Answer:
        """Take the place of `send_once`."""
        assert (url, body, dict(headers), deadline) == (URL, b"{}", {}, 10)
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, OSError):
            raise answer
        return answer


def sent(*answers: Answer | OSError, clock: Clock | None = None) -> tuple[Answer, Receiver]:
    receiver = Receiver([*answers])
    return post(URL, b"{}", {}, deadline=10, send=receiver.send, clock=clock or Clock()), receiver


def said(status: int, retry_after: float | None = None) -> Answer:
    return Answer(status_code=status, text="", retry_after=retry_after)


@pytest.mark.parametrize("status", [200, 204, 400, 404, 410])
def test_an_answer_that_will_not_change_is_final(status: int) -> None:
    answer, receiver = sent(said(status))
    assert (answer.status_code, receiver.asked) == (status, 1)


@pytest.mark.parametrize("first", [said(429), said(500), said(503), ConnectionResetError(), TimeoutError()])
def test_a_failure_that_may_pass_is_tried_again(first: Answer | OSError) -> None:
    answer, receiver = sent(first, said(200))
    assert (answer.status_code, receiver.asked) == (200, 2)


def test_attempts_end_with_the_time_of_the_delivery() -> None:
    clock = Clock(now=7)
    answer, receiver = sent(said(500), clock=clock)
    assert answer.status_code == 500
    assert 1 < receiver.asked < ATTEMPTS
    assert clock.now < 10


def test_a_retry_after_is_kept_within_the_time_of_the_delivery() -> None:
    clock = Clock()
    answer, _ = sent(said(503, retry_after=7), said(200), clock=clock)
    assert (answer.status_code, clock.slept) == (200, [7])


@pytest.mark.parametrize("seconds", [10, 3600, 10**9])
def test_a_longer_retry_after_ends_the_delivery_at_once(seconds: float) -> None:
    clock = Clock()
    answer, receiver = sent(said(503, retry_after=seconds), said(200), clock=clock)
    assert (answer.status_code, receiver.asked, clock.slept) == (503, 1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error(status: int) -> None:
    with pytest.raises(DeliveryError, match=f"hooks.example.com answers with a redirect .{status}., which is not"):
        sent(said(status))


def test_a_failure_names_the_host_and_not_the_path_which_may_be_a_secret() -> None:
    with pytest.raises(DeliveryError) as failure:
        sent(ConnectionResetError("reset"))
    assert str(failure.value) == "hooks.example.com: reset"


@contextmanager
def proxied(
    folder: Path, handle: Handler, *, status: str = "200 Connection established", host: str = HOST
) -> Generator[Route]:
    """A proxy on loopback that is the receiver as well, with a certificate for `host`."""
    pair = self_signed(SEED, host, dt.datetime.now(dt.UTC).date())
    (folder / "tls.pem").write_text(pair.certificate + pair.key, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_serve_one, args=(connection, status, context, handle), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    trust = ssl.create_default_context(cadata=authority_certificate(SEED, host))
    try:
        yield Route(proxy=("127.0.0.1", listener.getsockname()[1]), trust=trust)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _serve_one(connection: socket.socket, status: str, context: ssl.SSLContext, handle: Handler) -> None:
    try:
        with connection:
            head = _read_until_blank_line(connection)
            assert head.startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n".encode())
            connection.sendall(f"HTTP/1.1 {status}\r\nVia: x\r\n\r\n".encode())
            with context.wrap_socket(connection, server_side=True) as secure:
                handle(secure, _read_until_blank_line(secure))
    except OSError:
        # The client has gone.
        return


def _read_until_blank_line(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError
        head += piece
    return head


def once(route: Route, *, url: str = URL, body: bytes = b"{}", seconds: float = SOON) -> Answer:
    headers = {"X-MLflow-Signature": "v1,abc"}
    return send_once(route, url, body, headers, time.monotonic() + seconds)


def test_the_receiver_gets_the_body_once_with_its_signature(tmp_path: Path) -> None:
    requests: list[bytes] = []

    def handle(connection: ssl.SSLSocket, request: bytes) -> None:
        while not request.endswith(b'{"a":1}'):
            request += connection.recv(65536)
        requests.append(request)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")

    with proxied(tmp_path, handle) as route:
        answer = once(route, url=f"https://{HOST}/a b?q=ü", body=b'{"a":1}')
    assert (answer.status_code, answer.text) == (200, "ok")
    (request,) = requests
    head = request.decode().split("\r\n")
    assert head[0] == "POST /a%20b?q=%C3%BC HTTP/1.1"
    assert {"Host: hooks.example.com", "X-MLflow-Signature: v1,abc", "Content-Length: 7"} <= set(head)


def test_a_host_that_the_proxy_refuses_is_no_failure_that_passes(tmp_path: Path) -> None:
    with (
        proxied(tmp_path, lambda _, __: None, status="403 Forbidden") as route,
        pytest.raises(DeliveryError, match=re.escape("does not connect to hooks.example.com")),
    ):
        once(route)


def test_a_host_that_the_proxy_cannot_reach_is_tried_again(tmp_path: Path) -> None:
    with (
        proxied(tmp_path, lambda _, __: None, status="503 Service Unavailable") as route,
        pytest.raises(OSError, match="status 503"),
    ):
        once(route)


def test_a_receiver_without_a_certificate_for_its_name_gets_nothing(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    with proxied(tmp_path, fail, host="other.example.com") as route, pytest.raises(ssl.SSLCertVerificationError):
        once(route)


def _hang(connection: ssl.SSLSocket, _: bytes) -> None:
    connection.recv(1)


def _trickle(connection: ssl.SSLSocket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(TRICKLE):
        connection.sendall(b"X")
        time.sleep(0.01)


def _trickle_body(connection: ssl.SSLSocket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(TRICKLE):
        connection.sendall(b"X")
        time.sleep(0.01)


@pytest.mark.parametrize("handle", [_hang, _trickle, _trickle_body])
def test_a_receiver_that_hangs_or_sends_a_byte_now_and_then_is_left_in_time(tmp_path: Path, handle: Handler) -> None:
    with proxied(tmp_path, handle) as route, pytest.raises(TimeoutError):
        once(route, seconds=0.3)


def test_a_receiver_that_does_not_read_is_left_in_time(tmp_path: Path) -> None:
    stop = threading.Event()

    def sleep(_: ssl.SSLSocket, __: bytes) -> None:
        stop.wait()

    with proxied(tmp_path, sleep) as route, pytest.raises(TimeoutError):
        once(route, body=bytes(64 * 1024 * 1024), seconds=0.5)
    stop.set()


def test_a_small_part_of_an_endless_answer_is_read(tmp_path: Path) -> None:
    def endless(connection: ssl.SSLSocket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with proxied(tmp_path, endless) as route:
        assert len(once(route).text) == ANSWER_BYTES


@pytest.mark.parametrize(
    "text", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70000]
)
def test_an_answer_that_is_not_http_is_an_error(tmp_path: Path, text: bytes) -> None:
    with (
        proxied(tmp_path, lambda connection, _: connection.sendall(text)) as route,
        pytest.raises((DeliveryError, OSError)),
    ):
        once(route)


def test_a_line_break_does_not_get_into_the_request(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    with proxied(tmp_path, fail) as route, pytest.raises(DeliveryError, match="line break"):
        send_once(route, URL, b"", {"X": "a\r\nB: c"}, time.monotonic() + SOON)
