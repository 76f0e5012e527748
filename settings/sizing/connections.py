"""Database connections that all worker processes and Jobs can open together, and those that the database has."""

from dataclasses import dataclass

from components.sizes import JOB_CONNECTIONS, RESERVED_CONNECTIONS, threads
from settings.partial import key
from settings.schema.database import SqliteDatabase
from settings.schema.rds import RdsDatabase
from settings.schema.stack import Database, Settings
from settings.sizing import instances
from settings.sizing.server import Pods, pods

# RDS reserves 2 more for its own role (rds.rds_superuser_reserved_connections).
RESERVED_BY_RDS = 2


@dataclass(frozen=True, slots=True)
class Demand:
    """Number of database connections that the server and the Jobs can open."""

    pods: Pods

    @property
    def pools(self) -> int:
        """Maximum number of connection pools; each worker has one."""
        return self.pods.total * self.pods.server.workers

    @property
    def searches(self) -> int:
        """Maximum number of searches at a time: the number of requests that all workers handle at a time."""
        return self.pools * threads(self.pods.server.pool_size, self.pods.server.pool_overflow)

    @property
    def total(self) -> int:
        """Maximum number of connections of all pools and Jobs."""
        return self.pools * (self.pods.server.pool_size + self.pods.server.pool_overflow) + JOB_CONNECTIONS

    def __str__(self) -> str:
        """The calculation of the total, as text for messages."""
        server = self.pods.server
        return (
            f"{self.pods} x workers {server.workers} x (poolSize {server.pool_size} + "
            f"poolOverflow {server.pool_overflow}) + {JOB_CONNECTIONS} for Jobs = {self.total} connections"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """Connection limit of the database, the reserved part of it, and where the limit is set."""

    most: int
    reserved: int
    source: str

    @property
    def available(self) -> int:
        """Connections available to the platform."""
        return self.most - self.reserved

    def __str__(self) -> str:
        """The calculation of the available connections, as text for messages."""
        return f"{self.most} ({self.source}) - {self.reserved} reserved = {self.available}"


def demand(settings: Settings) -> Demand | None:
    """Connections that the server and Jobs can open; None with SQLite, which has no connections."""
    return None if isinstance(settings.database, SqliteDatabase) else Demand(pods(settings))


def supply(database: Database) -> Supply | None:
    """The database's connection limit and the reserved part of it; None if the limit is unknown."""
    if isinstance(database, SqliteDatabase):
        return None
    at_rds = isinstance(database, RdsDatabase)
    reserved = RESERVED_CONNECTIONS + (RESERVED_BY_RDS if at_rds else 0)
    if database.max_connections is not None:
        limit = key(database, lambda one: one.max_connections)
        return Supply(most=database.max_connections, reserved=reserved, source=f"{limit}, {limit.origin}")
    most = instances.max_connections(database.instance_class) if at_rds else None
    if not at_rds or most is None:
        return None
    source = f"{key(database, lambda one: one.instance_class)} {database.instance_class}"
    return Supply(most=most, reserved=reserved, source=source)
