"""What is allowed and worth a second look: shown at preview beside what is refused, and stops nothing."""

from collections.abc import Callable, Iterator

from stackfile import posture
from stackfile.budget import connections, quotas, server
from stackfile.budget.remedies import setting
from stackfile.draft import Draft
from stackfile.faults import Fault


def cautions(draft: Draft) -> Iterator[Fault]:
    """Every warning about a stack file."""
    for rule in CAUTIONS:
        yield from rule(draft)


def single(draft: Draft) -> Iterator[Fault]:
    """Production goes on while a node is drained."""
    if draft.value("profile") == "production" and draft.number("server.replicas") == 1:
        yield Fault(
            "server.replicas",
            "one pod serves everybody: while its node is drained or lost there is no MLflow",
            setting({"server.replicas": 2}),
        )


def rds(draft: Draft) -> Iterator[Fault]:
    """A database at AWS outlives a zone, and a mistake."""
    if draft.text("database.kind") != "rds":
        return
    if draft.value("profile") == "production" and draft.value("database.multiAz") is False:
        yield Fault(
            "database.multiAz",
            "one instance in one zone: while AWS replaces it, which takes minutes to hours, there is no MLflow",
            setting({"database.multiAz": True}),
        )
    if draft.says("database.maxConnections"):
        yield Fault(
            "database.maxConnections",
            "RDS takes it over at the instance's next restart, and the server's pools count on it at once",
            "restart the instance after the `up` that changes it, and raise pools in the next one",
        )
    if draft.value("profile") == "small" and draft.number("database.backupDays") == 0:
        yield Fault(
            "database.backupDays",
            "without backups, what somebody deletes by mistake is gone",
            setting({"database.backupDays": 7}),
        )


def paused(draft: Draft) -> Iterator[Fault]:
    """A pause ends."""
    if draft.value("server.paused") is True:
        yield Fault("server.paused", "nobody is served until the next `up` without it", "remove it after the upgrade")


CAUTIONS: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    posture.questionable,
    single,
    rds,
    paused,
    connections.unjudged,
    server.promised,
    quotas.compressible,
)
