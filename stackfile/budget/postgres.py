"""Check that the in-cluster PostgreSQL's memory limit is enough for shared buffers and all connections."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.database.postgres import SHARED_FRACTION
from stackfile.budget import pools
from stackfile.budget.remedies import MEBIBYTE, either, mebibytes, setting
from stackfile.draft import Draft
from stackfile.faults import Fault
from stackfile.model.database import MOST_CONNECTIONS
from stackfile.quantities import size_in_bytes

# PostgreSQL 17's defaults for the memory of one sort or hash (work_mem), and of one vacuum or index build
# (maintenance_work_mem). A connection that has written, searched and sorted metrics was measured to use 1.8 MiB of its
# own, so that half of all connections can sort at the same time.
CONNECTION_BYTES = 4 * MEBIBYTE
MAINTENANCE_BYTES = 64 * MEBIBYTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """Memory that PostgreSQL needs for a number of connections."""

    connections: int

    @property
    def private(self) -> int:
        """Bytes that PostgreSQL needs besides the shared buffers."""
        return MAINTENANCE_BYTES + self.connections * CONNECTION_BYTES

    @property
    def limit(self) -> float:
        """The smallest sufficient memory limit, including the shared buffers."""
        return self.private / (1 - SHARED_FRACTION)

    def __str__(self) -> str:
        """The calculation of the memory limit, as text for messages."""
        return (
            f"({MAINTENANCE_BYTES // MEBIBYTE} MiB + maxConnections {self.connections} x "
            f"{CONNECTION_BYTES // MEBIBYTE} MiB) / {1 - SHARED_FRACTION:g} (the part without shared buffers) = "
            f"{mebibytes(self.limit)}B"
        )


def need(draft: Draft) -> Need | None:
    """Memory that the in-cluster PostgreSQL needs; None with another database, or if a value is wrong."""
    most = draft.number("database.maxConnections")
    return Need(connections=most) if draft.text("database.kind") == "in-cluster" and most is not None else None


def memory(draft: Draft) -> Iterator[Fault]:
    """Check that PostgreSQL's memory limit is enough for `database.maxConnections` connections."""
    wanted, limit = need(draft), size_in_bytes(draft.text("database.memoryLimit") or "")
    if wanted is None or limit is None or wanted.limit <= limit:
        return
    fitting = int(limit * (1 - SHARED_FRACTION) - MAINTENANCE_BYTES) // CONNECTION_BYTES
    ways = [setting({"database.memoryLimit": mebibytes(wanted.limit)})]
    wanted_by_server = pools.demand(draft)
    if wanted_by_server is not None and fitting >= wanted_by_server.total + pools.RESERVED:
        ways.append(setting({"database.maxConnections": fitting}))
    yield Fault(
        "database.memoryLimit", f"expected at least {wanted}, found {draft.said('database.memoryLimit')}", either(ways)
    )


def with_connections(draft: Draft, connections: int) -> Iterator[str]:
    """Yield the remedy that lets the in-cluster PostgreSQL accept `connections`; nothing above `MOST_CONNECTIONS`."""
    wanted, limit = Need(connections=connections), size_in_bytes(draft.text("database.memoryLimit") or "")
    if limit is not None and connections <= MOST_CONNECTIONS:
        more = {} if wanted.limit <= limit else {"database.memoryLimit": mebibytes(wanted.limit)}
        yield setting({"database.maxConnections": connections, **more})
