"""Sums of the connections, memory, CPU and storage that a stack needs; `settings/rules/` compares them with limits."""

from collections.abc import Iterator

from settings.partial import key
from settings.schema.database import InClusterDatabase
from settings.schema.stack import Settings
from settings.sizing import connections, postgres, quotas, server, team_shares


def sums(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each sum of a stack, for `make configuration`."""
    database = settings.database
    if demand := connections.demand(settings):
        available = connections.supply(database) or "unknown: set database.maxConnections"
        yield "database connections", f"{demand}; available: {available}"
    limit = key(settings, lambda one: one.server.memory_limit)
    yield "memory of a server pod", f"{server.memory(settings.server)}; limit {limit.shown}"
    if isinstance(database, InClusterDatabase):
        limit = key(database, lambda one: one.memory_limit)
        yield "memory of PostgreSQL", f"{postgres.memory(settings, database.max_connections)}; limit {limit.shown}"
    yield "requests per second of a team", team_shares.rate(settings)
    yield "requests that a worker handles at once", str(team_shares.AtWork(settings.server))
    for resource in quotas.RESOURCES:
        if total := quotas.total(settings, resource):
            yield f"{resource.name} of the cluster", str(total)
