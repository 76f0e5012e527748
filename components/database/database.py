"""What the server needs to know of its database, wherever it runs."""

from dataclasses import dataclass
from urllib.parse import quote

import pulumi

from components.kubernetes.networks import Flow
from components.kubernetes.pods import Attachment


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """A reachable, empty or already used database, and what its clients need for it."""

    uri: pulumi.Input[str]
    """SQLAlchemy's URI. It holds no password: the attachment gives libpq PGPASSWORD."""

    attachment: Attachment
    """Of every container that connects."""

    flows: tuple[Flow, ...]
    """The way there, for the NetworkPolicies of whoever connects."""

    ready: tuple[pulumi.Resource, ...]
    """What must exist before somebody connects."""

    exclusive: bool = False
    """Whether only one pod at a time can use it."""


def postgresql_uri(
    *, host: pulumi.Input[str], port: pulumi.Input[int], name: str, user: str, tls: str
) -> pulumi.Output[str]:
    """SQLAlchemy's URI of a PostgreSQL database; `tls` are libpq's TLS options, as in a URI's query."""
    return pulumi.Output.concat(
        f"postgresql+psycopg://{quote(user, safe='')}@",
        host,
        ":",
        pulumi.Output.from_input(port).apply(str),
        f"/{quote(name, safe='')}?{tls}",
    )


def verified_tls(authority_file: str) -> str:
    """TLS options of libpq for a connection whose server has to prove its name, to an authority in the file."""
    return f"sslmode=verify-full&sslrootcert={authority_file}"
