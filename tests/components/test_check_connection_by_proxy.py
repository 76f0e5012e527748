"""The check of a connection through a proxy: the script itself, with a proxy and a server of this test."""

import contextlib
import datetime as dt
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from components import scripts
from components.exposure.certificate import authority_certificate, self_signed

SCRIPT = Path(scripts.__file__).parent / "check_connection_by_proxy.py"
HOST = "tracking.company.example"
SEED = b"a test"
# Runs the script without its patience for servers that are about to start.
RUN = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]); import check_connection;"
    " check_connection.PATIENCE_SECONDS = 0; runpy.run_path(sys.argv[2], run_name='__main__')"
)


class Tracking(BaseHTTPRequestHandler):
    """A tracking server."""

    def answer(self) -> None:
        """Answer as MLflow does."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        text = {"/health": "OK", "/version": "3.17.2"}.get(self.path, json.dumps({}))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - says nothing
        """Say nothing."""


@contextlib.contextmanager
def tracking(folder: Path) -> Generator[int]:
    """A tracking server with a certificate for `HOST`: its port."""
    pair = self_signed(SEED, HOST, dt.date(2026, 11, 1))
    (folder / "pair.pem").write_text(pair.certificate + pair.key, encoding="utf-8")
    (folder / "ca.crt").write_text(authority_certificate(SEED, "company.example"), encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pair.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tracking)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def proxy(port: int) -> Generator[tuple[str, list[str]]]:
    """A proxy that opens tunnels to `HOST`, which only it knows: its URL, and what it was asked for."""
    asked: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=tunnel, args=(client, port, asked), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    address = cast("tuple[str, int]", server.getsockname())
    try:
        yield f"http://127.0.0.1:{address[1]}", asked
    finally:
        server.close()


def tunnel(client: socket.socket, port: int, asked: list[str]) -> None:
    target = client.recv(8192).split()[1].decode()
    asked.append(target)
    if target != f"{HOST}:443":
        client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        client.close()
        return
    there = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=copy, args=(client, there), daemon=True).start()
    copy(there, client)


def copy(source: socket.socket, destination: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            destination.sendall(content)
    with contextlib.suppress(OSError):
        destination.shutdown(socket.SHUT_WR)


def check(url: str, proxy_url: str, authority: Path) -> str:
    """Last words of the script."""
    env = {**os.environ, "HTTPS_PROXY": proxy_url, "TRACKING_URL": url, "AUTHORITY_FILE": str(authority)}
    done = subprocess.run(  # noqa: S603 - constants
        [sys.executable, "-c", RUN, str(SCRIPT.parent), str(SCRIPT)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip().splitlines()[-1]


def test_a_server_whose_name_only_the_proxy_knows_is_checked_with_its_own_certificate(tmp_path: Path) -> None:
    with tracking(tmp_path) as port, proxy(port) as (url, asked):
        said = check(f"https://{HOST}", url, tmp_path / "ca.crt")
    assert said == f"MLflow 3.17.2 at https://{HOST} answers with these credentials"
    assert {*asked} == {f"{HOST}:443"}


def test_a_certificate_of_another_authority_is_not_trusted_through_the_proxy_either(tmp_path: Path) -> None:
    with tracking(tmp_path) as port, proxy(port) as (url, _):
        other = tmp_path / "other.crt"
        other.write_text(authority_certificate(b"another", "company.example"), encoding="utf-8")
        assert f"the certificate of https://{HOST} is not trusted" in check(f"https://{HOST}", url, other)


@pytest.mark.parametrize("host", ["other.company.example"])
def test_a_host_that_the_proxy_refuses_is_named_with_the_settings(tmp_path: Path, host: str) -> None:
    with tracking(tmp_path) as port, proxy(port) as (url, _):
        said = check(f"https://{host}", url, tmp_path / "ca.crt")
    assert f"opens no tunnel to {host}" in said
    assert "cluster.noProxy" in said


def test_a_proxy_that_does_not_listen_and_one_without_an_address_are_told_from_the_server(tmp_path: Path) -> None:
    with tracking(tmp_path):
        authority = tmp_path / "ca.crt"
        assert "opens no tunnel" in check(f"https://{HOST}", "http://127.0.0.1:1", authority)
        unknown = check(f"https://{HOST}", "http://proxy.invalid:3128", authority)
    assert "the proxy's name proxy.invalid has no address" in unknown
