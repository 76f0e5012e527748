"""The process of the AWS stand-in, started by `server.py`. It serves HTTP and HTTPS.

The parent process sends commands on standard input, one line of JSON each, and gets the answers on standard output.
All other output goes to standard error. The process ends when its standard input is closed, also if the parent is
killed.
"""

from __future__ import annotations

import argparse
import json
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs] - its parent has the types
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from testbed.aws import sessions
from testbed.aws.gateway import Gateway
from testbed.aws.moto_state import iam, storage

HTTP: Final = 80
HTTPS: Final = 443
Control = Callable[[Mapping[str, Any]], object]


class _QuietHandler(MotoRequestHandler):
    # The default, HTTP/1.0, closes the connection after each request.
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing about requests."""


def _serve(
    gateway: Gateway, context: ssl.SSLContext | None, *, host: str = "", port: int = 0, fd: int | None = None
) -> None:
    server: BaseWSGIServer = make_server(
        host, port, gateway, threaded=True, request_handler=_QuietHandler, ssl_context=context, fd=fd
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()


def controls(gateway: Gateway) -> Mapping[str, Control]:
    """Return the commands that the parent process may send, by name."""

    def enforce(given: Mapping[str, Any]) -> object:
        gateway.enforcing = bool(given["on"])
        return None

    def trust(given: Mapping[str, Any]) -> object:
        gateway.issuers = {**gateway.issuers, given["issuer"]: given["keys"]}
        return None

    def forget(_given: Mapping[str, Any]) -> object:
        gateway.log.clear()
        return None

    return {
        "actions": lambda _given: gateway.log.plain(),
        "forget": forget,
        "enforce": enforce,
        "trust": trust,
        "administrator": lambda given: iam.administrator(given["name"]),
        "pod-identity": lambda given: sessions.pod_identity(**given),
    }


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sockets",
        type=int,
        nargs=2,
        required=True,
        metavar=("HTTP_FD", "HTTPS_FD"),
        help="file descriptors of two inherited listening sockets",
    )
    parser.add_argument("--host", help="further address to listen on, at ports 80 and 443")
    parser.add_argument("--certificate", type=Path, required=True, help="PEM file with the server's certificate")
    parser.add_argument("--key", type=Path, required=True, help="PEM file with the certificate's private key")
    options = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr
    storage.disable_bucket_policies()
    gateway = Gateway(DomainDispatcherApplication(create_backend_app))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.certificate, options.key)
    for descriptor, tls in zip(options.sockets, (None, context), strict=True):
        _serve(gateway, tls, fd=descriptor)
    if options.host:
        _serve(gateway, None, host=options.host, port=HTTP)
        _serve(gateway, context, host=options.host, port=HTTPS)
    print(json.dumps("ready"), file=answers, flush=True)
    known = controls(gateway)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"result": known[command["do"]](command.get("with", {}))}
        except sessions.SessionError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
