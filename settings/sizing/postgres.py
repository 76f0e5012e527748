"""Memory and storage of the in-cluster PostgreSQL."""

from dataclasses import dataclass

from components.sizes import SHARED_MEMORY_MEBIBYTES
from settings.schema.database import InClusterDatabase
from settings.schema.stack import Settings
from settings.sizing.connections import demand
from settings.types.quantities import GIBIBYTE, MEBIBYTE, mebibytes, size_in_bytes

# Shared buffers as a fraction of the memory limit, as PostgreSQL's manual recommends.
SHARED_FRACTION = 1 / 4
# Memory of one vacuum or index build (PostgreSQL 17's default of maintenance_work_mem), and of parallel queries of
# administrators (/dev/shm).
FIXED_BYTES = (64 + SHARED_MEMORY_MEBIBYTES) * MEBIBYTE
# A connection that has written, searched and sorted metrics was measured to use 3 MiB of its own.
CONNECTION_BYTES = 4 * MEBIBYTE
# Memory of planning and carrying out a search, besides, by the square of its conditions. Measured with the settings of
# images/mlflow/server/mlflow_platform_server/database_scope.py: up to 17 MiB with 20 conditions, 52 with 50.
KIBIBYTES_BY_SQUARE = 44
# PostgreSQL's default of max_wal_size, up to which its write-ahead log grows between two checkpoints.
LOG_BYTES = 1 * GIBIBYTE
# Data and its copy: a migration can write a table anew beside the old one.
LEAST_DATA_BYTES = 1 * GIBIBYTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
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
        return FIXED_BYTES + self.searches * self.search

    @property
    def limit(self) -> float:
        """The smallest sufficient memory limit, including the shared buffers."""
        return (self.fixed + self.connections * CONNECTION_BYTES) / (1 - SHARED_FRACTION)

    def fitting(self, limit: float) -> int:
        """Number of connections for which a memory limit is enough."""
        return int(limit * (1 - SHARED_FRACTION) - self.fixed) // CONNECTION_BYTES

    def __str__(self) -> str:
        """The calculation of the memory limit, as text for messages."""
        return (
            f"({FIXED_BYTES // MEBIBYTE} MiB + maxConnections {self.connections} x "
            f"{CONNECTION_BYTES // MEBIBYTE} MiB + {self.searches} searches at a time x {self.search // MEBIBYTE} MiB) "
            f"/ {1 - SHARED_FRACTION:g} (the part without shared buffers) = {mebibytes(self.limit)}B"
        )


def memory(settings: Settings, connections: int) -> Memory:
    """Memory that the in-cluster PostgreSQL needs for a number of connections."""
    found = demand(settings)
    conditions = settings.server.bounds.filter_clauses
    return Memory(connections=connections, searches=found.searches if found else 0, conditions=conditions)


def shared_mebibytes(database: InClusterDatabase) -> int:
    """Size of the shared buffers in MiB."""
    return int(size_in_bytes(database.memory_limit) // MEBIBYTE * SHARED_FRACTION)
