"""Memory of the in-cluster PostgreSQL: shared buffers, and a share for each connection."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.database.postgres import SHARED_FRACTION
from stackfile.budget import pools
from stackfile.budget.remedies import MEBIBYTE, either, mebibytes, setting
from stackfile.draft import Draft
from stackfile.faults import Fault
from stackfile.model.database import MOST_CONNECTIONS
from stackfile.quantities import size_in_bytes

# PostgreSQL's defaults (17, "Resource Consumption"): what one sort or hash of a connection may take before it goes to
# disk (work_mem), and what one vacuum or index build may (maintenance_work_mem). Measured beside them: 1.8 MiB private
# to a connection that has written, searched and sorted metrics, so that half of all may sort at the same time.
CONNECTION_BYTES = 4 * MEBIBYTE
MAINTENANCE_BYTES = 64 * MEBIBYTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What PostgreSQL may take."""

    connections: int

    @property
    def private(self) -> int:
        """Bytes beside the shared buffers."""
        return MAINTENANCE_BYTES + self.connections * CONNECTION_BYTES

    @property
    def limit(self) -> float:
        """The smallest limit: a part of it is shared buffers."""
        return self.private / (1 - SHARED_FRACTION)

    def __str__(self) -> str:
        """The sum, written out."""
        return (
            f"({MAINTENANCE_BYTES // MEBIBYTE} MiB + maxConnections {self.connections} x "
            f"{CONNECTION_BYTES // MEBIBYTE} MiB) / {1 - SHARED_FRACTION:g} beside shared buffers = "
            f"{mebibytes(self.limit)}B"
        )


def need(draft: Draft) -> Need | None:
    """What the in-cluster PostgreSQL may take; None where there is none, or its figure is wrong."""
    most = draft.number("database.maxConnections")
    return Need(connections=most) if draft.text("database.kind") == "in-cluster" and most is not None else None


def memory(draft: Draft) -> Iterator[Fault]:
    """The limit admits every connection."""
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


def admitting(draft: Draft, connections: int) -> Iterator[str]:
    """The way to admit so many connections in the cluster."""
    wanted, limit = Need(connections=connections), size_in_bytes(draft.text("database.memoryLimit") or "")
    if limit is not None and connections <= MOST_CONNECTIONS:
        more = {} if wanted.limit <= limit else {"database.memoryLimit": mebibytes(wanted.limit)}
        yield setting({"database.maxConnections": connections, **more})
