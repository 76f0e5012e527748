"""Rules of the section `database`: roles, connections, memory and storage; `rds.py` has those of RDS."""

from collections.abc import Iterator

from components.sizes import JOB_CONNECTIONS, RESERVED_CONNECTIONS
from settings.faults import Fault, either, setting
from settings.partial import key, known
from settings.rules.server import MOST_SESSIONS, shareable
from settings.schema.credentials import Generated
from settings.schema.database import MOST_CONNECTIONS, ExternalDatabase, InClusterDatabase, SqliteDatabase
from settings.schema.rds import RdsDatabase
from settings.schema.stack import Settings
from settings.sizing import instances
from settings.sizing.connections import Demand, Supply, demand, supply
from settings.sizing.postgres import LEAST_DATA_BYTES, LOG_BYTES
from settings.sizing.postgres import memory as memory_of_postgres
from settings.types.quantities import GIBIBYTE, gibibytes, mebibytes, size_in_bytes

# Leaves room for `_server` in a PostgreSQL name.
LONGEST_OWNER = 63 - len("_server")
# A class whose family has classes with the highest limit that RDS sets by default; burstable families have none.
GENERAL_PURPOSE = "db.m7g.large"


def generated_password(settings: Settings) -> Iterator[Fault]:
    """Check that a generated password is used only with an administrator, who sets it."""
    database = settings.database
    if isinstance(database, ExternalDatabase) and isinstance(database.credentials, Generated):
        administrator = key(database, lambda one: one.administrator)
        if not administrator.written:
            yield Fault(
                key(database.credentials, lambda one: one.kind),
                f"`generated` needs {administrator}, which sets the password",
                f"add {administrator}, or use another kind of credentials",
            )


def administrator(settings: Settings) -> Iterator[Fault]:
    """Check that MLflow's role is not the administrator."""
    database = settings.database
    if not isinstance(database, ExternalDatabase) or database.administrator is None:
        return
    if database.administrator.user == database.user:
        yield Fault(
            key(database.administrator, lambda one: one.user),
            f"is the same as {key(database, lambda one: one.user)}; MLflow must not have an administrator's rights",
            "use another role for MLflow, for example mlflow",
        )


def owner(settings: Settings) -> Iterator[Fault]:
    """Check that the owner's name is short enough for the suffix `_server` if a Job creates the server's role."""
    database = settings.database
    if not isinstance(database, RdsDatabase | ExternalDatabase):
        return
    created = isinstance(database, RdsDatabase) or key(database, lambda one: one.administrator).written
    if created and len(database.user) > LONGEST_OWNER:
        yield Fault(
            key(database, lambda one: one.user),
            f"has {len(database.user)} characters; the role {database.user}_server would have more than PostgreSQL's"
            " 63",
            f"use a name of at most {LONGEST_OWNER} characters",
        )


def server_role(settings: Settings) -> Iterator[Fault]:
    """Check that the server's role is not configured if a Job creates it, and is not the owner's role."""
    database = settings.database
    if not isinstance(database, ExternalDatabase):
        return
    server, administrator = key(database, lambda one: one.server), key(database, lambda one: one.administrator)
    if administrator.written:
        if server.written:
            yield Fault(
                server,
                f"is not used: with {administrator}, `up` creates the server's role",
                f"remove it, or remove {administrator}",
            )
    elif database.server is not None and database.server.user == database.user:
        yield Fault(
            key(database.server, lambda one: one.user),
            f"is the same as {key(database, lambda one: one.user)}; the server's role must own nothing",
            "use another role, for example mlflow_server",
        )


def sqlite(settings: Settings) -> Iterator[Fault]:
    """Check that the server has only one worker process with SQLite, which allows one writer at a time."""
    database, workers = settings.database, settings.server.workers
    if isinstance(database, SqliteDatabase) and workers > 1:
        path = key(settings, lambda one: one.server.workers)
        yield Fault(
            path,
            f"{workers} processes would wait for each other's locks on the file of"
            f" {key(database, lambda one: one.kind)} `{database.kind}`",
            f"set {path} 1, or use {shareable(database)}",
        )


def connections(settings: Settings) -> Iterator[Fault]:
    """Check that all connection pools together fit into the database's connection limit."""
    needed, limit = demand(settings), supply(settings.database)
    if needed is not None and limit is not None and needed.total > limit.available:
        yield Fault(
            key(settings, lambda one: one.server.pool_size),
            f"{needed}; expected at most {limit}",
            either(_ways(settings, needed, limit)),
        )


def replica(settings: Settings) -> Iterator[Fault]:
    """Check that the replica is another server, and that all connection pools together fit into its limit."""
    database, needed = settings.database, demand(settings)
    if not isinstance(database, ExternalDatabase) or database.replica is None or needed is None:
        return
    address = key(database.replica, lambda one: one.host)
    if (database.replica.host, database.replica.port) == (database.host, database.port):
        yield Fault(
            address,
            f"is the same server as {key(database, lambda one: one.host)}",
            f"use the replica's host name, or remove {key(database, lambda one: one.replica)}",
        )
    limit, least = key(database.replica, lambda one: one.max_connections), needed.total + RESERVED_CONNECTIONS
    if database.replica.max_connections is not None and database.replica.max_connections < least:
        yield Fault(
            limit,
            f"expected at least {needed} + {RESERVED_CONNECTIONS} reserved = {least}, found {limit.shown}",
            f"raise the replica's own limit, and set {limit} {least}",
        )


def _ways(settings: Settings, needed: Demand, limit: Supply) -> Iterator[str]:
    server, database = settings.server, settings.database
    room = limit.available - JOB_CONNECTIONS
    pool = room // needed.pools
    if pool >= MOST_SESSIONS:
        kept = min(server.pool_size, pool)
        size, overflow = key(server, lambda one: one.pool_size), key(server, lambda one: one.pool_overflow)
        yield setting({size: kept, overflow: pool - kept})
    most = room // (server.workers * (server.pool_size + server.pool_overflow)) - needed.pods.surge
    if server.autoscaling is None and most >= 1:
        yield setting({key(server, lambda one: one.replicas): most})
    elif server.autoscaling is not None and most > server.replicas:
        yield setting({key(server.autoscaling, lambda one: one.max_replicas): most})
    if isinstance(database, SqliteDatabase):
        return
    maximum, total = key(database, lambda one: one.max_connections), needed.total + limit.reserved
    if isinstance(database, InClusterDatabase):
        if total <= MOST_CONNECTIONS:
            yield from known(_raised(settings, database, total))
        yield f"use a larger database with {key(database, lambda one: one.kind)} `external`"
    elif isinstance(database, RdsDatabase) and not maximum.written:
        larger = instances.smallest(database.instance_class, total) or instances.smallest(GENERAL_PURPOSE, total)
        if larger:
            yield setting({key(database, lambda one: one.instance_class): larger})
        else:
            yield (
                f"raise the limit with {maximum} {total} (the default is at most {instances.HIGHEST_DEFAULT} for every"
                " instance class)"
            )
    else:
        yield f"raise the database's own limit, and set {maximum} {total}"


def _raised(settings: Settings, database: InClusterDatabase, connections: int) -> Iterator[str]:
    memory = memory_of_postgres(settings, connections).limit
    maximum, limit = key(database, lambda one: one.max_connections), key(database, lambda one: one.memory_limit)
    enough = memory <= size_in_bytes(database.memory_limit)
    yield setting({maximum: connections} if enough else {maximum: connections, limit: mebibytes(memory)})


def memory(settings: Settings) -> Iterator[Fault]:
    """Check that PostgreSQL's memory limit is enough for its connections and searches."""
    database = settings.database
    if not isinstance(database, InClusterDatabase):
        return
    needed, size = memory_of_postgres(settings, database.max_connections), size_in_bytes(database.memory_limit)
    if needed.limit <= size:
        return
    limit, used = key(database, lambda one: one.memory_limit), demand(settings)
    ways = [setting({limit: mebibytes(needed.limit)})]
    if used is not None and needed.fitting(size) >= used.total + RESERVED_CONNECTIONS:
        ways.append(setting({key(database, lambda one: one.max_connections): needed.fitting(size)}))
    yield Fault(limit, f"expected at least {needed}, found {limit.shown}", either(ways))


def storage(settings: Settings) -> Iterator[Fault]:
    """Check that the in-cluster database's volume has space for PostgreSQL's write-ahead log and for data."""
    database, needed = settings.database, LOG_BYTES + LEAST_DATA_BYTES
    if isinstance(database, InClusterDatabase) and size_in_bytes(database.storage) < needed:
        path = key(database, lambda one: one.storage)
        yield Fault(
            path,
            f"expected at least {LOG_BYTES // GIBIBYTE} GiB of write-ahead log + {LEAST_DATA_BYTES // GIBIBYTE} GiB of "
            f"data = {needed // GIBIBYTE} GiB, found {path.shown}",
            setting({path: gibibytes(needed)}),
        )


def one_role(settings: Settings) -> Iterator[Fault]:
    """Warn about a server that signs in as the owner of the tables."""
    database = settings.database
    if not isinstance(database, ExternalDatabase):
        return
    server = key(database, lambda one: one.server)
    if not server.written and not key(database, lambda one: one.administrator).written:
        yield Fault(
            server,
            "is not set, so MLflow signs in as the owner of its tables: row-level security keeps teams apart, but"
            " MLflow's own role could change the tables or switch row-level security off",
            "run `CREATE ROLE mlflow_server LOGIN NOINHERIT PASSWORD '...'` as an administrator, and set"
            f" {server}.user to mlflow_server; the migration grants the rest",
        )


def unlimited(settings: Settings) -> Iterator[Fault]:
    """Warn if the connection limit of an external database is not set."""
    database = settings.database
    if isinstance(database, ExternalDatabase) and database.max_connections is None:
        yield Fault(
            key(database, lambda one: one.max_connections),
            f"is not set, so pool sizes cannot be checked: they need {demand(settings)}",
            "add the value that `SHOW max_connections` prints on the server",
        )


RULES = (generated_password, administrator, owner, server_role, sqlite, connections, replica, memory, storage)
WARNINGS = (one_role, unlimited)
