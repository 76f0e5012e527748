"""What follows from a stack's settings: the sums that a preview judges, written out."""

from collections.abc import Iterator

from stackfile.budget import connections, pools, postgres, quotas, server
from stackfile.draft import Draft


def sums(draft: Draft) -> Iterator[tuple[str, str]]:
    """Name and text of each sum that the settings allow to be made."""
    if wanted := pools.demand(draft):
        given = connections.supply(draft)
        yield "database connections", f"{wanted}; admitted: {given or 'unknown, for want of database.maxConnections'}"
    if pod := server.need(draft):
        yield "memory of a server's pod", f"{pod}; limit {draft.said('server.memoryLimit')}"
    if inside := postgres.need(draft):
        yield "memory of PostgreSQL", f"{inside}; limit {draft.said('database.memoryLimit')}"
    for resource in ("cpu", "memory", "storage"):
        if found := quotas.summed(draft, resource):
            yield f"{resource} of the cluster", str(found)
