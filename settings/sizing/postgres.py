"""Check that the in-cluster PostgreSQL's memory limit is enough for shared buffers, all connections and searches."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.database.postgres import SHARED_FRACTION, SHARED_MEMORY_MEBIBYTES
from components.mlflow.process import threads
from settings.draft import Draft
from settings.faults import Fault
from settings.schema.database import MOST_CONNECTIONS
from settings.sizing import pools
from settings.sizing.remedies import MEBIBYTE, either, mebibytes, setting
from settings.types.quantities import size_in_bytes

# Memory of one vacuum or index build (PostgreSQL 17's default of maintenance_work_mem), and of parallel queries of
# administrators (/dev/shm).
MAINTENANCE_BYTES = 64 * MEBIBYTE
SHARED_MEMORY_BYTES = SHARED_MEMORY_MEBIBYTES * MEBIBYTE
# A connection that has written, searched and sorted metrics was measured to use 3 MiB of its own.
CONNECTION_BYTES = 4 * MEBIBYTE
# Memory of planning and carrying out a search, besides, by the square of its conditions. Measured with the settings of
# images/mlflow/server/mlflow_platform_server/database_scope.py: up to 17 MiB with 20 conditions, 52 with 50.
KIBIBYTES_BY_SQUARE = 44


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """Memory that PostgreSQL needs for a number of connections, some of which search at the same time."""

    connections: int
    searches: int
    conditions: int

    @property
    def search(self) -> int:
        """Bytes of one search with as many conditions as are allowed, in whole MiB."""
        return -(-(self.conditions**2) * KIBIBYTES_BY_SQUARE // 1024) * MEBIBYTE

    @property
    def fixed(self) -> int:
        """Bytes besides the shared buffers that do not depend on the number of connections."""
        return MAINTENANCE_BYTES + SHARED_MEMORY_BYTES + self.searches * self.search

    @property
    def private(self) -> int:
        """Bytes that PostgreSQL needs besides the shared buffers."""
        return self.fixed + self.connections * CONNECTION_BYTES

    @property
    def limit(self) -> float:
        """The smallest sufficient memory limit, including the shared buffers."""
        return self.private / (1 - SHARED_FRACTION)

    def __str__(self) -> str:
        """The calculation of the memory limit, as text for messages."""
        return (
            f"({(MAINTENANCE_BYTES + SHARED_MEMORY_BYTES) // MEBIBYTE} MiB + maxConnections {self.connections} x "
            f"{CONNECTION_BYTES // MEBIBYTE} MiB + {self.searches} searches at a time x {self.search // MEBIBYTE} MiB) "
            f"/ {1 - SHARED_FRACTION:g} (the part without shared buffers) = {mebibytes(self.limit)}B"
        )


def need(draft: Draft) -> Need | None:
    """Memory that the in-cluster PostgreSQL needs; None with another database, or if a value is wrong."""
    most = draft.number("database.maxConnections")
    return _need(draft, most) if draft.text("database.kind") == "in-cluster" and most is not None else None


def _need(draft: Draft, connections: int) -> Need | None:
    demand, conditions = pools.demand(draft), draft.number("server.bounds.filterClauses")
    if demand is None or conditions is None:
        return None
    searches = demand.pools * threads(demand.size, demand.overflow)
    return Need(connections=connections, searches=searches, conditions=conditions)


def memory(draft: Draft) -> Iterator[Fault]:
    """Check that PostgreSQL's memory limit is enough for `database.maxConnections` connections."""
    wanted, limit = need(draft), size_in_bytes(draft.text("database.memoryLimit") or "")
    if wanted is None or limit is None or wanted.limit <= limit:
        return
    fitting = int(limit * (1 - SHARED_FRACTION) - wanted.fixed) // CONNECTION_BYTES
    ways = [setting({"database.memoryLimit": mebibytes(wanted.limit)})]
    wanted_by_server = pools.demand(draft)
    if wanted_by_server is not None and fitting >= wanted_by_server.total + pools.RESERVED:
        ways.append(setting({"database.maxConnections": fitting}))
    yield Fault(
        "database.memoryLimit", f"expected at least {wanted}, found {draft.said('database.memoryLimit')}", either(ways)
    )


def with_connections(draft: Draft, connections: int) -> Iterator[str]:
    """Yield the remedy that lets the in-cluster PostgreSQL accept `connections`; nothing above `MOST_CONNECTIONS`."""
    wanted, limit = _need(draft, connections), size_in_bytes(draft.text("database.memoryLimit") or "")
    if limit is not None and wanted is not None and connections <= MOST_CONNECTIONS:
        more = {} if wanted.limit <= limit else {"database.memoryLimit": mebibytes(wanted.limit)}
        yield setting({"database.maxConnections": connections, **more})
