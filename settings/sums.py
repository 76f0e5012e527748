"""Connections, memory and capacity that a stack needs, and shares of teams, for `make configuration`."""

from collections.abc import Iterator

from settings.draft import Draft
from settings.sizing import connections, pools, postgres, quotas, server, team_shares


def sums(draft: Draft) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each sum, except those for which a value is missing."""
    if wanted := pools.demand(draft):
        available = connections.supply(draft) or "unknown: set database.maxConnections"
        yield "database connections", f"{wanted}; available: {available}"
    if pod := server.need(draft):
        yield "memory of a server pod", f"{pod}; limit {draft.said('server.memoryLimit')}"
    if inside := postgres.need(draft):
        yield "memory of PostgreSQL", f"{inside}; limit {draft.said('database.memoryLimit')}"
    if each := team_shares.rate(draft):
        yield "requests of a team", str(each)
    if work := team_shares.at_work(draft):
        yield "requests at work in a worker", str(work)
    for resource in ("cpu", "memory", "storage"):
        if found := quotas.summed(draft, resource):
            yield f"{resource} of the cluster", str(found)
