"""`Database`: the common interface of all databases, for the pods that connect to them."""

from dataclasses import dataclass
from urllib.parse import quote

import pulumi

from components.kubernetes.ca_certificates import Authority
from components.kubernetes.credential import Credential
from components.kubernetes.networks import Flow
from components.kubernetes.pods import Attachment, joined


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """The settings with which a container signs in to the database."""

    uri: pulumi.Input[str]
    """SQLAlchemy URI. It contains no password: for PostgreSQL, `attachment` sets PGPASSWORD, which libpq reads."""

    attachment: Attachment
    """Environment variables and volumes for the container."""

    role: str | None = None
    """Name of the PostgreSQL role; None for SQLite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """The settings with which a metrics exporter reads PostgreSQL's statistics; they give no access to rows."""

    address: str
    """Host, port, database and libpq's options, as in `postgres:5432/mlflow?sslmode=disable`."""

    role: str
    password: pulumi.Input[str]
    """Name of the Secret with the entry `password`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """A database, and the settings and network connections that its clients need."""

    owner: Connection
    """Connection of the schema migration, as the role that owns the tables and sees the rows of all workspaces."""

    server: Connection
    """Connection of MLflow, as a role that owns nothing and sees the rows of one workspace at a time. It equals `owner`
    for SQLite, and for a PostgreSQL server where no second role is configured.
    """

    replica: pulumi.Input[str] | None = None
    """SQLAlchemy URI of a read replica, which MLflow reads from with the `attachment` of `server`; None if there is
    none."""

    flows: tuple[Flow, ...]
    """Connections to the database, which the NetworkPolicies of its clients have to allow."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before a client connects."""

    exclusive: bool = False
    """True if only one pod at a time can use the database."""

    statistics: Statistics | None = None
    """Connection of a metrics exporter; None without metrics, and for a database that the platform does not run."""


def server_role(owner: str) -> str:
    """Name of the role that MLflow signs in as, where the platform creates it."""
    return f"{owner}_server"


def postgresql_uri(
    *, host: pulumi.Input[str], port: pulumi.Input[int], name: str, user: str, tls: str
) -> pulumi.Output[str]:
    """SQLAlchemy URI of a PostgreSQL database; `tls` is a URI query with libpq's TLS options."""
    return pulumi.Output.concat(
        f"postgresql+psycopg://{quote(user, safe='')}@",
        host,
        ":",
        pulumi.Output.from_input(port).apply(str),
        f"/{quote(name, safe='')}?{tls}",
    )


def tls_connection(
    *, host: pulumi.Input[str], port: int, name: str, user: str, password: Credential, authority: Authority
) -> Connection:
    """A connection by TLS that verifies the server's host name and its certificate against the CA certificates.

    The password is the entry `password` of the credential.
    """
    tls = f"sslmode=verify-full&sslrootcert={authority.file}"
    return Connection(
        uri=postgresql_uri(host=host, port=port, name=name, user=user, tls=tls),
        attachment=joined(authority.attachment, Attachment(env=password.env({"PGPASSWORD": "password"}))),
        role=user,
    )
