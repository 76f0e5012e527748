"""Connections to Kubernetes' API server: JSON in and out, with time-outs; blocking, and usable from any thread.

The client library's own methods have no time-outs, build objects that take ten times as long as JSON, and retry by
themselves; only its reading of the configuration is used here.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes import client, config
from kubernetes.client.rest import RESTClientObject
from kubernetes.config.config_exception import ConfigException

from mlflow_platform_server.review_engine import OutageError

# Time in seconds for a connection alone.
CONNECT_SECONDS = 5
TOO_MANY_REQUESTS, SERVER_ERROR, REDIRECTED = 429, 500, 300
# What another server has to be told too, apart from credentials.
_ADDRESS = (
    *("host", "ssl_ca_cert", "ca_cert_data", "verify_ssl", "assert_hostname", "tls_server_name"),
    *("proxy", "no_proxy", "proxy_headers", "connection_pool_maxsize"),
)


class AnswerError(Exception):
    """Kubernetes has answered with an error about the request, with this HTTP status."""

    def __init__(self, status: int, path: str) -> None:
        super().__init__(f"Kubernetes answered {status} to {path}.")
        self.status = status


class KubernetesApi:
    """The API server, with the server's own credential or with a caller's token."""

    def __init__(self, configuration: Any, *, connections: int) -> None:
        """`connections` are kept open for further requests, for each kind of credential."""
        configuration.connection_pool_maxsize = connections
        self._configuration = configuration
        self._lock = threading.Lock()
        self._own = RESTClientObject(configuration).pool_manager
        # The server's own credential must not take part: a client certificate belongs to a connection.
        bare = client.Configuration()
        for name in _ADDRESS:
            setattr(bare, name, getattr(configuration, name, None))
        self._bare = RESTClientObject(bare).pool_manager

    def get(self, path: str, query: Mapping[str, str], *, seconds: float) -> dict[str, Any]:
        """Read a document.

        Raises:
            OutageError: Kubernetes cannot be reached, does not answer in time, or answers with a server error.
            AnswerError: Kubernetes has refused the request.
        """
        return self._document("GET", f"{path}?{urlencode(query)}", seconds=seconds)

    def create(self, path: str, document: Mapping[str, Any], *, seconds: float, token: str | None = None) -> Any:
        """Create an object, with a caller's token or with the server's own; raises as `get`."""
        return self._document("POST", path, body=json.dumps(document), token=token, seconds=seconds)

    def events(self, path: str, query: Mapping[str, str], *, silence_seconds: float) -> Iterator[dict[str, Any]]:
        """The events of a watch, until Kubernetes ends it; raises as `get`, also if it is silent for too long."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=silence_seconds)
        response = self._send("GET", f"{path}?{urlencode(query)}", timeout=timeout)
        try:
            rest = b""
            for piece in response.stream(64 * 1024):
                *lines, rest = (rest + piece).split(b"\n")
                yield from (json.loads(line) for line in lines if line)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _outage(error) from error
        finally:
            response.close()

    def _document(
        self, method: str, path: str, *, seconds: float, body: str | None = None, token: str | None = None
    ) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        timeout = urllib3.Timeout(total=seconds)
        try:
            response = self._send(method, path, timeout=timeout, body=body, token=token)
        except OutageError as error:
            left = deadline - time.monotonic()
            if not isinstance(error.__cause__, urllib3.exceptions.ProtocolError) or left <= 0:
                raise
            # Kubernetes had closed a connection that was kept open.
            response = self._send(method, path, timeout=urllib3.Timeout(total=left), body=body, token=token)
        try:
            return json.loads(response.data)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise _outage(error) from error

    def _send(
        self, method: str, path: str, *, timeout: urllib3.Timeout, body: str | None = None, token: str | None = None
    ) -> urllib3.BaseHTTPResponse:
        pool, credential = (self._own, self._credential()) if token is None else (self._bare, f"Bearer {token}")
        headers = {"accept": "application/json", "content-type": "application/json"}
        if credential is not None:
            headers["authorization"] = credential
        try:
            response = pool.request(
                method,
                f"{self._configuration.host}{path}",
                headers=headers,
                body=body,
                timeout=timeout,
                preload_content=False,
                retries=False,
            )
            if response.status >= REDIRECTED:
                # Read, so that the connection can be used again.
                response.drain_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _outage(error) from error
        if response.status < REDIRECTED:
            return response
        path = path.partition("?")[0]
        # A caller whose token has asked too much elsewhere is told so alone: to the others Kubernetes answers.
        if response.status >= SERVER_ERROR or (response.status == TOO_MANY_REQUESTS and token is None):
            raise OutageError(f"Kubernetes answered {response.status} to {path}.")
        raise AnswerError(response.status, path)

    def _credential(self) -> str | None:
        with self._lock:
            # Reads the token again when it is a minute old.
            return self._configuration.auth_settings().get("BearerToken", {}).get("value")


def _outage(error: Exception) -> OutageError:
    return OutageError(f"Kubernetes cannot be reached: {type(error).__name__}.")


def connected(*, connections: int) -> KubernetesApi:
    """The API server of the pod's own cluster, or of the kubeconfig file."""
    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except ConfigException:
        config.load_kube_config(client_configuration=configuration)
    return KubernetesApi(configuration, connections=connections)
