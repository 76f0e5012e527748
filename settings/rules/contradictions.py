"""Rules that still read a `Draft`."""

from collections.abc import Callable, Iterator

from settings.draft import Draft
from settings.faults import Fault
from settings.rules import backing, rds, serving
from settings.rules.allowances import allowances
from settings.sizing import connections, postgres, quotas, replicas, server, volumes


def bucket(draft: Draft) -> Iterator[Fault]:
    """Check that `artifacts.region` is set for an existing bucket at AWS."""
    if (
        draft.text("artifacts.kind") == "s3"
        and not draft.says("artifacts.endpointUrl")
        and not draft.says("artifacts.region")
    ):
        yield Fault(
            "artifacts.region",
            "is missing; without artifacts.endpointUrl the store is AWS, which needs the bucket's region",
            "add the region, or artifacts.endpointUrl for another store",
        )


RULES: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    bucket,
    *backing.RULES,
    connections.connections,
    connections.unknown_class,
    postgres.memory,
    server.memory,
    server.bodies,
    replicas.cpu,
    replicas.autoscaler,
    volumes.database,
    volumes.uploads,
    quotas.incompressible,
    serving.spread,
    serving.pool,
    serving.webhooks,
    allowances,
    *rds.RULES,
)
