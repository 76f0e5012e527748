"""A stand-in for an identity provider: serves the documents in DOCUMENTS, by path, with the certificate in /etc/tls."""

import json
import os
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8443
DOCUMENTS = json.loads(os.environ["DOCUMENTS"])


class Handler(BaseHTTPRequestHandler):
    """Answers with a document, or 404."""

    def do_GET(self) -> None:
        """Send the document at the path."""
        found = DOCUMENTS.get(self.path)
        body = json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("0.0.0.0", PORT), Handler)  # noqa: S104 - in a pod
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/etc/tls/tls.crt", "/etc/tls/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
