"""How many database connections all processes together may open."""

from dataclasses import dataclass

from stackfile.budget import replicas
from stackfile.draft import Draft

# The migration holds one for its lock and one for its work; the Job that makes MLflow's role has one.
JOB_CONNECTIONS = 3
# PostgreSQL keeps 3 for superusers (superuser_reserved_connections); 4 are for backups, monitoring and people.
RESERVED = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What the server's pools may come to."""

    pods: replicas.Pods
    workers: int
    size: int
    overflow: int

    @property
    def pools(self) -> int:
        """Connection pools that exist at the same time: one in each worker (images/mlflow/server, app.py)."""
        return (self.pods.most + self.pods.surge) * self.workers

    @property
    def total(self) -> int:
        """Connections at most."""
        return self.pools * (self.size + self.overflow) + JOB_CONNECTIONS

    def __str__(self) -> str:
        """The sum, written out."""
        return (
            f"{self.pods} x workers {self.workers} x (poolSize {self.size} + "
            f"poolOverflow {self.overflow}) + {JOB_CONNECTIONS} of jobs = {self.total} connections"
        )


def demand(draft: Draft) -> Demand | None:
    """What the server may open; None where it has no pools, or a figure is wrong."""
    pods, workers = replicas.pods(draft), draft.number("server.workers")
    size, overflow = draft.number("server.poolSize"), draft.number("server.poolOverflow")
    if draft.text("database.kind") == "sqlite" or pods is None or workers is None or size is None or overflow is None:
        return None
    return Demand(pods=pods, workers=workers, size=size, overflow=overflow)
