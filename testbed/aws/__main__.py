"""The process that is AWS: listens without and with TLS, and does what its parent writes to its standard input.

It ends when its parent closes that pipe, however the parent ends. Answers go to standard output, one line of JSON each;
everything else that is printed goes to the error output.
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
from testbed.aws.gate import Gate
from testbed.aws.kept import identities, storage

HTTP: Final = 80
HTTPS: Final = 443
Control = Callable[[Mapping[str, Any]], object]


class _Quiet(MotoRequestHandler):
    # Without it every connection carries one request, and a client's pool of connections is for nothing.
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing about a request that was answered."""


def _serve(gate: Gate, context: ssl.SSLContext | None, *, host: str = "", port: int = 0, fd: int | None = None) -> None:
    server: BaseWSGIServer = make_server(
        host, port, gate, threaded=True, request_handler=_Quiet, ssl_context=context, fd=fd
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()


def controls(gate: Gate) -> Mapping[str, Control]:
    """Return what the parent may ask for, by name."""

    def enforce(given: Mapping[str, Any]) -> object:
        gate.enforcing = bool(given["on"])
        return None

    def trust(given: Mapping[str, Any]) -> object:
        gate.issuers = {**gate.issuers, given["issuer"]: given["keys"]}
        return None

    def forget(_given: Mapping[str, Any]) -> object:
        gate.log.clear()
        return None

    return {
        "actions": lambda _given: gate.log.plain(),
        "forget": forget,
        "enforce": enforce,
        "trust": trust,
        "administrator": lambda given: identities.administrator(given["name"]),
        "pod-identity": lambda given: sessions.pod_identity(**given),
    }


def main() -> None:
    """Serve until the standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, nargs=2, required=True, help="inherited: without TLS, with TLS")
    parser.add_argument("--host", help="an address to listen on as well, at the ports of AWS")
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    options = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr
    storage.neglect_bucket_policies()
    gate = Gate(DomainDispatcherApplication(create_backend_app))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.certificate, options.key)
    for descriptor, tls in zip(options.sockets, (None, context), strict=True):
        _serve(gate, tls, fd=descriptor)
    if options.host:
        _serve(gate, None, host=options.host, port=HTTP)
        _serve(gate, context, host=options.host, port=HTTPS)
    print(json.dumps("ready"), file=answers, flush=True)
    known = controls(gate)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"result": known[asked["do"]](asked.get("with", {}))}
        except sessions.SessionError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
