"""Job script: the check of check_connection.py through the HTTP proxy in HTTPS_PROXY, as MLflow's clients connect."""

import http.client
import os
import socket
import ssl
from urllib.parse import urlsplit

import check_connection


class ProxiedServer(check_connection.Server):
    """The tracking server, reached through the proxy."""

    def _address(self, host: str, port: int | None) -> str:  # noqa: ARG002 - the base class's
        """The host, unresolved: the proxy resolves it. Only the proxy's own name needs an address in the cluster."""
        name, proxy_port = _proxy()
        try:
            socket.getaddrinfo(name, proxy_port)
        except socket.gaierror as error:
            raise check_connection.UnreachableError(
                f"the proxy's name {name} has no address in the cluster's DNS ({error.strerror}); check cluster.httpsProxy"
            ) from None
        return host

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:  # noqa: ARG002 - likewise
        """A connection in a tunnel of the proxy.

        Raises:
            UnreachableError: the proxy does not open the tunnel.
        """
        proxy_host, proxy_port = _proxy()
        trust = ssl.create_default_context(cafile=self.authority)
        connection = http.client.HTTPSConnection(
            proxy_host, proxy_port, timeout=check_connection.TIMEOUT_SECONDS, context=trust
        )
        connection.set_tunnel(host, port or 443)
        try:
            connection.connect()
        except ssl.SSLError:
            # `ask` connects again, and says what is wrong with the certificate.
            connection.close()
        except OSError as error:
            connection.close()
            raise check_connection.UnreachableError(
                f"the proxy {proxy_host}:{proxy_port} opens no tunnel to {host} ({error}); check cluster.httpsProxy, and"
                f" that the proxy admits {host}; if {host} is reached without the proxy, add it to cluster.noProxy"
            ) from None
        return connection


def _proxy() -> tuple[str, int]:
    parts = urlsplit(os.environ["HTTPS_PROXY"])
    return parts.hostname or "", parts.port or 80


if __name__ == "__main__":
    check_connection.Server = ProxiedServer
    check_connection.main()
