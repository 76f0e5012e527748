"""A receiver of webhooks, as test equipment: prints each request as a line of JSON; some paths make it hang.

usage: receiver.py CERTIFICATE_AND_KEY ADDRESS...
"""

import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

PORT = 443
HANG = "/hang"
REDIRECT = "/redirect"
ELSEWHERE = "https://unlisted.example.com/"


class Handler(BaseHTTPRequestHandler):
    """Answers with 200, never answers, or redirects to a host that is not listed, depending on the path."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take a webhook."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        address, _ = cast("tuple[str, int]", self.server.server_address)
        seen = {"address": address, "path": self.path, "headers": headers, "body": body}
        # One write, so that lines of threads do not mix.
        sys.stdout.write(f"{json.dumps(seen)}\n")
        sys.stdout.flush()
        if self.path == HANG:
            threading.Event().wait()
        self.send_response(302 if self.path == REDIRECT else 200)
        if self.path == REDIRECT:
            self.send_header("Location", ELSEWHERE)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Write nothing besides the requests."""


def main() -> None:
    """Serve every address until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    servers = [ThreadingHTTPServer((address, PORT), Handler) for address in sys.argv[2:]]
    for server in servers:
        server.daemon_threads = True
        # The handshake is the request's thread's: a connection that sends nothing would stop all others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main()
