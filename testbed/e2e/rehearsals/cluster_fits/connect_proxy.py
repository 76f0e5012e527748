"""A stand-in for a company's HTTP proxy: opens tunnels (CONNECT) to the hosts in NAMES, and prints each request.

NAMES is a JSON object of the hosts that it knows, each with the host and port that it connects to: like a proxy outside
the cluster, it resolves names that the cluster does not.
"""

import contextlib
import json
import os
import socket
import threading

PORT = 3128
LONGEST_HEAD = 8192
NAMES = json.loads(os.environ["NAMES"])


def read_head(client: socket.socket) -> str:
    """The request line and headers."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD:
        received = client.recv(LONGEST_HEAD)
        if not received:
            break
        head += received
    return head.decode("latin-1")


def copy(source: socket.socket, destination: socket.socket) -> None:
    """Pass everything on until one side ends."""
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            destination.sendall(content)
    for side in (source, destination):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


def serve(client: socket.socket) -> None:
    """Answer one client."""
    method, target, *_ = [*read_head(client).split(" "), "", ""]
    known = NAMES.get(target.rpartition(":")[0]) if method == "CONNECT" else None
    print(json.dumps({"method": method, "target": target, "known": known is not None}), flush=True)
    if known is None:
        client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        client.close()
        return
    there = socket.create_connection((known[0], known[1]), timeout=10)
    there.settimeout(None)
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=copy, args=(client, there), daemon=True).start()
    copy(there, client)


def main() -> None:
    """Serve until the pod ends."""
    with socket.create_server(("0.0.0.0", PORT)) as server:  # noqa: S104 - in a pod
        while True:
            client, _ = server.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()


main()
