"""What the server needs to know of a PostgreSQL database, wherever it runs."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.networks import Flow


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """A reachable, empty or already used database and the credential of its owner."""

    host: str
    port: int
    name: str
    user: str

    tls: str
    """libpq's TLS options, as in a URI's query."""

    password: k8s.core.v1.Secret
    """Holds the password under the key `password`; it reaches libpq as PGPASSWORD and is part of no URI."""

    flow: Flow
    """The way there, for the NetworkPolicies of whoever connects."""

    ready: pulumi.Resource
    """What must exist before somebody connects."""

    @property
    def uri(self) -> str:
        """SQLAlchemy's URI, without the password."""
        return f"postgresql+psycopg://{self.user}@{self.host}:{self.port}/{self.name}?{self.tls}"
