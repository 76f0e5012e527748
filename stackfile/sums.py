"""Database connections, memory and cluster capacity that a stack needs, with their limits, for `make configuration`."""

from collections.abc import Iterator

from stackfile.budget import connections, pools, postgres, quotas, server
from stackfile.draft import Draft


def sums(draft: Draft) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each sum that a preview checks, except those for which a value is missing."""
    if wanted := pools.demand(draft):
        available = connections.supply(draft) or "unknown: set database.maxConnections"
        yield "database connections", f"{wanted}; available: {available}"
    if pod := server.need(draft):
        yield "memory of a server pod", f"{pod}; limit {draft.said('server.memoryLimit')}"
    if inside := postgres.need(draft):
        yield "memory of PostgreSQL", f"{inside}; limit {draft.said('database.memoryLimit')}"
    for resource in ("cpu", "memory", "storage"):
        if found := quotas.summed(draft, resource):
            yield f"{resource} of the cluster", str(found)
