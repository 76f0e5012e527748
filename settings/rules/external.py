"""Rules of a stack whose teams use a tracking server that is not part of it."""

from collections.abc import Iterator

from settings.faults import Fault
from settings.partial import key
from settings.schema.external import DatabricksServer, ExternalServer, ExternalSettings


def unencrypted(settings: ExternalSettings) -> Iterator[Fault]:
    """Check that profile `production` sends nothing unencrypted."""
    if settings.profile == "production":
        yield from _unencrypted(settings)


def unencrypted_outside_production(settings: ExternalSettings) -> Iterator[Fault]:
    """Warn about unencrypted connections with the other profiles."""
    if settings.profile != "production":
        yield from _unencrypted(settings)


def _unencrypted(settings: ExternalSettings) -> Iterator[Fault]:
    server = settings.server
    if isinstance(server, ExternalServer) and server.url.startswith("http://"):
        yield Fault(
            key(server, lambda one: one.url),
            "uses http: credentials, runs and artifacts are sent unencrypted",
            "use https://",
        )


def unused_authorities(settings: ExternalSettings) -> Iterator[Fault]:
    """Check that CA certificates are set only for a server whose certificate may be from a private CA."""
    if settings.cluster.authorities is None:
        return
    path = key(settings.cluster, lambda one: one.authorities)
    server = settings.server
    if isinstance(server, DatabricksServer):
        yield Fault(path, "is not used: Databricks has certificates of public CAs", "remove it")
    elif server.url.startswith("http://"):
        yield Fault(path, "is not used, because server.url uses http", f"use https:// in server.url, or remove {path}")


def any_address(settings: ExternalSettings) -> Iterator[Fault]:
    """Warn that teams' pods may connect to any address, if the server's address is unknown and no proxy is set."""
    if settings.addresses or settings.cluster.https_proxy:
        return
    ports = " and ".join(map(str, settings.ports))
    yield Fault(
        key(settings.server, lambda one: one.addresses),
        "is not set, and NetworkPolicies cannot match host names: teams' pods with the label `podLabel` may connect to"
        f" port {ports} of every address except those of cloud metadata services",
        "list the address ranges of the server",
    )


RULES = (unencrypted, unused_authorities)
WARNINGS = (any_address, unencrypted_outside_production)
