"""The tracking server that a team uses, its credentials, and the environment of the team's MLflow clients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks
from components.kubernetes.http_proxy import HttpProxy

core = k8s.core.v1

# Name of the Secret that holds credentials from the stack file: pods refer to it.
CREDENTIALS = "mlflow-credentials"
# Directory in which pods mount the ConfigMap `mlflow-ca`.
AUTHORITY_FOLDER = "/etc/mlflow"
AUTHORITY_FILE = f"{AUTHORITY_FOLDER}/ca.crt"
USERNAME, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
DATABRICKS_TOKEN = "DATABRICKS_TOKEN"  # noqa: S105 - likewise


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackingServer:
    """A tracking server outside the platform, or MLflow of a Databricks workspace."""

    url: str
    """URL of the server, or of the Databricks workspace."""

    databricks: bool
    addresses: Sequence[str]
    """Address ranges of the server; empty if they are not known."""

    ports: Sequence[int]
    """TCP ports at these addresses."""

    proxy: HttpProxy | None = None
    """The company's HTTP proxy."""

    authority: str | None
    """CA certificates that signed the server's certificate, as PEM; None means the public ones."""

    @property
    def way(self) -> HttpProxy | None:
        """The proxy, if it carries connections to the server."""
        return self.proxy if self.proxy is not None and self.proxy.carries(self.url) else None

    @property
    def flows(self) -> list[networks.Flow]:
        """Connections to the proxy, or to the server: without known addresses, to its ports at any address."""
        if self.way is not None:
            return [self.way.flow]
        return networks.to_addresses(self.addresses, self.ports) or [
            networks.Flow(peers=[networks.anywhere_but_metadata()], ports=self.ports)
        ]

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the environment variables with credentials, which are also the keys in the Secret."""
        return (DATABRICKS_TOKEN,) if self.databricks else (USERNAME, PASSWORD, TOKEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenCredentials:
    """Credentials from the stack file, by environment variable."""

    values: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretOfTeam:
    """An existing Secret in the team's namespace, whose keys are environment variables."""

    name: str
    rotation: int
    """A new number checks the connection again: the program does not notice changes of the Secret."""


Credentials = GivenCredentials | SecretOfTeam


def environment(server: TrackingServer) -> dict[str, str]:
    """Environment variables of the team's MLflow clients, except credentials.

    The path of a private CA's certificates is included, because clients cannot connect without them.
    """
    way = {} if server.way is None else server.way.variables
    if server.databricks:
        return {
            "MLFLOW_TRACKING_URI": "databricks",
            "MLFLOW_REGISTRY_URI": "databricks-uc",
            "DATABRICKS_HOST": server.url,
            **way,
        }
    trusted = {} if server.authority is None else {"MLFLOW_TRACKING_SERVER_CERT_PATH": AUTHORITY_FILE}
    return {"MLFLOW_TRACKING_URI": server.url, **trusted, **way}
