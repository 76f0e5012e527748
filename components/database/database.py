"""`Database`: the common interface of all databases, for the pods that connect to them."""

from dataclasses import dataclass
from urllib.parse import quote

import pulumi

from components.kubernetes.networks import Flow
from components.kubernetes.pods import Attachment


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """A database, empty or in use, and the settings and connections that its clients need."""

    uri: pulumi.Input[str]
    """SQLAlchemy URI. It contains no password: for PostgreSQL, `attachment` sets PGPASSWORD, which libpq reads."""

    attachment: Attachment
    """Environment variables and volumes for every container that connects."""

    flows: tuple[Flow, ...]
    """Connections to the database, which the NetworkPolicies of its clients have to allow."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before a client connects."""

    exclusive: bool = False
    """True if only one pod at a time can use the database."""


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


def verified_tls(authority_file: str) -> str:
    """TLS options of libpq: verify the server's certificate (CA certificates in `authority_file`) and its host name."""
    return f"sslmode=verify-full&sslrootcert={authority_file}"
