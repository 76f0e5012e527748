"""Runs in the pod `receiver`: prints name and state of each alert that Alertmanager sends, as a line of JSON."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080


class Handler(BaseHTTPRequestHandler):
    """Receives notifications of Alertmanager."""

    def do_POST(self) -> None:
        """Print the alerts of one notification."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        lines = [json.dumps([alert["labels"]["alertname"], alert["status"]]) for alert in body["alerts"]]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Do not log requests: only alerts are printed."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()
