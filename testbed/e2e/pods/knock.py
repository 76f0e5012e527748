"""Runs in a team's pod, with nothing but Python: tries the connections and requests of KNOCK, and prints each answer.

The environment variable KNOCK has the tasks as JSON: addresses to scan, HTTP requests to send, PostgreSQL users to try.
A request's header value `$TOKEN` stands for the pod's own token of the audience `mlflow`.
"""

import contextlib
import http.client
import json
import os
import select
import socket
import ssl
import struct
import time
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 10
PORTS = 65535
BATCH = 500
BATCH_SECONDS = 3.0
SHOWN_BYTES = 300
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
# Version 3.0 of PostgreSQL's protocol.
PROTOCOL = 196608
TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def open_ports(address: str) -> list[int]:
    """Every TCP port of an address that accepts a connection."""
    found: list[int] = []
    for first in range(1, PORTS + 1, BATCH):
        found += _accepting(address, range(first, min(first + BATCH, PORTS + 1)))
    return found


def _accepting(address: str, ports: range) -> list[int]:
    waiting: dict[int, tuple[socket.socket, int]] = {}
    poll = select.poll()
    for port in ports:
        attempt = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        attempt.settimeout(0)
        attempt.connect_ex((address, port))
        waiting[attempt.fileno()] = (attempt, port)
        poll.register(attempt, select.POLLOUT)
    found: list[int] = []
    end = time.monotonic() + BATCH_SECONDS
    while waiting and (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            attempt, port = waiting.pop(number)
            poll.unregister(number)
            if attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(port)
            attempt.close()
    for attempt, _ in waiting.values():
        attempt.close()
    return found


def refusal(address: str, port: int) -> str:
    """Name of the error that a connection ends with; empty if somebody listens."""
    try:
        socket.create_connection((address, port), TIMEOUT_SECONDS).close()
    except OSError as error:
        return type(error).__name__
    return ""


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Send an HTTP request; returns the answer's status, its Location header, and the beginning of its body."""
    connection = http.client.HTTPConnection(request["host"], request["port"], timeout=TIMEOUT_SECONDS)
    headers = {name: value.replace("$TOKEN", _token()) for name, value in request.get("headers", {}).items()}
    body = json.dumps(request["document"]) if "document" in request else None
    with contextlib.closing(connection):
        connection.request(request["method"], request["path"], body=body, headers=headers)
        answer = connection.getresponse()
        return {
            "status": answer.status,
            "location": answer.getheader("Location", ""),
            "body": answer.read()[:SHOWN_BYTES].decode(errors="replace"),
        }


def _token() -> str:
    return TOKEN.read_text(encoding="utf-8") if TOKEN.exists() else ""


def grpc_answer(address: str, port: int) -> str:
    """Answer of a gRPC server to a client without a certificate, in plain text and in TLS, or the error."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    answers: list[str] = []
    for encrypted in (False, True):
        try:
            plain = socket.create_connection((address, port), TIMEOUT_SECONDS)
            with trusting.wrap_socket(plain) if encrypted else plain as connection:
                connection.sendall(HTTP2_PREFACE)
                answers.append(connection.recv(SHOWN_BYTES).hex())
        except OSError as error:
            answers.append(f"error: {type(error).__name__}")
    return " ".join(filter(None, answers))


def postgres(address: str, user: str, database: str) -> dict[str, Any]:
    """PostgreSQL's answer before a password is sent: the authentication method, or the refusal."""
    names = b"user\0" + user.encode() + b"\0database\0" + database.encode() + b"\0\0"
    with socket.create_connection((address, 5432), TIMEOUT_SECONDS) as connection:
        connection.sendall(struct.pack("!II", 8 + len(names), PROTOCOL) + names)
        kind = connection.recv(1)
        (length,) = struct.unpack("!I", connection.recv(4))
        content = connection.recv(length - 4)
    if kind == b"R":
        return {"demands": struct.unpack("!I", content[:4])[0]}
    return {"refuses": content.decode(errors="replace").replace("\0", " ")}


def main() -> None:
    """Carry out the tasks in KNOCK."""
    plan = json.loads(os.environ["KNOCK"])
    start = time.monotonic()
    found = {
        "open": {name: open_ports(address) for name, address in plan.get("scan", {}).items()},
        "scan_seconds": round(time.monotonic() - start, 1),
        "refusals": {f"{address}:{port}": refusal(address, port) for address, port in plan.get("refusals", ())},
        "answers": {name: ask(request) for name, request in plan.get("requests", {}).items()},
        "grpc": {f"{address}:{port}": grpc_answer(address, port) for address, port in plan.get("grpc", ())},
        "postgres": {
            f"{user}@{database}": postgres(address, user, database)
            for address, user, database in plan.get("postgres", ())
        },
    }
    print(json.dumps(found))


main()
