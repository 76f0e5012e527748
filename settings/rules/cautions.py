"""Warnings: settings that are allowed but probably unintended. A preview shows them and continues."""

from collections.abc import Callable, Iterator

from settings.draft import Draft, texts
from settings.faults import Fault
from settings.sizing import connections, quotas, server
from settings.sizing.remedies import setting


def single(draft: Draft) -> Iterator[Fault]:
    """Warn about a single replica in production."""
    if draft.value("profile") == "production" and draft.number("server.replicas") == 1:
        yield Fault(
            "server.replicas",
            "with one pod, MLflow is down while its node is drained or lost",
            setting({"server.replicas": 2}),
        )


def rds(draft: Draft) -> Iterator[Fault]:
    """Warn about RDS: no standby in profile `production`, no backups in profile `small`, a changed connection limit."""
    if draft.text("database.kind") != "rds":
        return
    if draft.value("profile") == "production" and draft.value("database.multiAz") is False:
        yield Fault(
            "database.multiAz",
            "without a standby, a failure of the database instance or its zone takes MLflow down for minutes to hours",
            setting({"database.multiAz": True}),
        )
    if draft.says("database.maxConnections"):
        yield Fault(
            "database.maxConnections",
            "RDS applies the value at the instance's next restart, but pool sizes are checked against it immediately",
            "after the `up` that changes database.maxConnections, restart the instance, and raise the pool sizes in a"
            " later `up`",
        )
    if draft.value("profile") == "small" and draft.number("database.backupDays") == 0:
        yield Fault(
            "database.backupDays",
            "without backups, data that is deleted by mistake cannot be restored",
            setting({"database.backupDays": 7}),
        )


def one_role(draft: Draft) -> Iterator[Fault]:
    """Warn about a server that signs in as the owner of the tables."""
    if draft.text("database.kind") != "external" or draft.says("database.administrator"):
        return
    if not draft.says("database.server"):
        yield Fault(
            "database.server",
            "not set, so MLflow signs in as the owner of its tables: row-level security keeps teams apart, but MLflow's"
            " own role could change the tables or switch it off",
            "`CREATE ROLE mlflow_server LOGIN NOINHERIT PASSWORD '...'` as an administrator, and set"
            " database.server.user to it; the migration grants the rest",
        )


def paused(draft: Draft) -> Iterator[Fault]:
    """Warn about a paused server."""
    if draft.value("server.paused") is True:
        yield Fault(
            "server.paused",
            "MLflow is down until you remove server.paused and run `up`",
            "remove server.paused when the upgrade or restore is done",
        )


def webhooks(draft: Draft) -> Iterator[Fault]:
    """Warn about webhooks while the API server's addresses are unknown: the server is let out on port 443 for them."""
    if "webhooks" in texts(draft.value("server.features")) and not texts(draft.value("cluster.apiServer")):
        yield Fault(
            "cluster.apiServer",
            "is not set, so NetworkPolicies let the server's pods connect to port 443 of any address, past the webhook"
            " proxy",
            "set cluster.apiServer to the addresses of the API server (docs/networks.md)",
        )


CAUTIONS: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    single,
    rds,
    one_role,
    paused,
    webhooks,
    connections.unlimited,
    server.idle_request,
    quotas.compressible,
)
