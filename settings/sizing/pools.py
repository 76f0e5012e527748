"""Maximum number of database connections of all worker processes and Jobs together."""

from dataclasses import dataclass

from settings.draft import Draft
from settings.sizing import replicas

# The migration Job uses one connection for its lock and one for its work; the Job that creates MLflow's role uses one.
JOB_CONNECTIONS = 3
# PostgreSQL reserves 3 connections for superusers (superuser_reserved_connections); 4 more are for backups, monitoring
# and psql.
RESERVED = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """Number of database connections that the server and the Jobs can open, and the settings that determine it."""

    pods: replicas.Pods
    workers: int
    size: int
    overflow: int

    @property
    def pools(self) -> int:
        """Maximum number of connection pools; each worker has one."""
        return (self.pods.most + self.pods.surge) * self.workers

    @property
    def total(self) -> int:
        """Maximum number of connections of all pools and Jobs."""
        return self.pools * (self.size + self.overflow) + JOB_CONNECTIONS

    def __str__(self) -> str:
        """The calculation of the total, as text for messages."""
        return (
            f"{self.pods} x workers {self.workers} x (poolSize {self.size} + "
            f"poolOverflow {self.overflow}) + {JOB_CONNECTIONS} for Jobs = {self.total} connections"
        )


def demand(draft: Draft) -> Demand | None:
    """Connections that the server and Jobs can open; None with SQLite, which has no pools, or if a value is wrong."""
    pods, workers = replicas.pods(draft), draft.number("server.workers")
    size, overflow = draft.number("server.poolSize"), draft.number("server.poolOverflow")
    if draft.text("database.kind") == "sqlite" or pods is None or workers is None or size is None or overflow is None:
        return None
    return Demand(pods=pods, workers=workers, size=size, overflow=overflow)
