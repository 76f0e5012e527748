"""The section `database`."""

from typing import Annotated, ClassVar, Literal

from settings.schema.base import Model
from settings.schema.credentials import CONFIGURED, Needs, Password, PasswordOrGenerated, Rotation
from settings.types import values
from settings.types.kinds import whole

# PostgreSQL has a process for each connection; more connections need a pooler.
MOST_CONNECTIONS = 2000


class InClusterDatabase(Model):
    """PostgreSQL in the cluster: one pod with one volume."""

    exclusive_volume: ClassVar = False

    kind: Literal["in-cluster"]

    storage: values.VolumeSize = "10Gi"
    """Size of the volume."""

    max_connections: Annotated[int, whole(20, MOST_CONNECTIONS)] = 150
    """`max_connections` of PostgreSQL; `memoryLimit` must be enough for all connections."""

    memory_limit: values.Size = "1792Mi"
    """Memory limit of PostgreSQL. The memory request and the shared buffers are each a quarter of the limit."""

    rotation: Rotation = 1
    """Raise this number to generate new passwords of MLflow's roles; database and server restart."""


class DatabaseAdministrator(Model):
    """A PostgreSQL role that may create roles and databases; a Job uses it to create MLflow's role and database."""

    user: values.RoleName
    """Name of the role."""

    credentials: Annotated[
        Password, Needs("databaseAdministratorPassword", "Password of `database.administrator.user`.")
    ] = CONFIGURED
    """Password of the role."""


class DatabaseServerRole(Model):
    """A PostgreSQL role for MLflow's server that owns nothing; the schema migration grants it the needed rights."""

    user: values.Identifier
    """Name of the role."""

    credentials: Annotated[Password, Needs("databaseServerPassword", "Password of `database.server.user`.")] = (
        CONFIGURED
    )
    """Password of the role."""


class DatabaseReplica(Model):
    """A read replica of the PostgreSQL server, by streaming replication."""

    host: values.ServerHost
    """Host name of the replica; connections use TLS and the same CA certificate as those to `database.host`."""

    port: values.Port = 5432
    """TCP port of the replica."""

    max_connections: Annotated[int, whole(20, 100_000)] | None = None
    """`max_connections` of the replica. If set, pool sizes that need more connections are an error."""


class ExternalDatabase(Model):
    """An existing PostgreSQL server."""

    exclusive_volume: ClassVar = False

    kind: Literal["external"]

    host: values.ServerHost
    """Host name of the server; connections use TLS."""

    port: values.Port = 5432
    """TCP port of the server."""

    name: values.Identifier = "mlflow"
    """Name of the database; without `administrator` it must exist and belong to `user`."""

    user: values.Identifier = "mlflow"
    """Role that owns the database and migrates its schema."""

    credentials: Annotated[PasswordOrGenerated, Needs("databasePassword", "Password of `database.user`.")] = CONFIGURED
    """Password of `user`. Kind `generated` needs `administrator`, whose rights a Job uses to set the password."""

    administrator: DatabaseAdministrator | None = None
    """If set, a Job creates two roles and the database `name` if they do not exist, and sets the roles' passwords. The
    roles are `user`, and `<user>_server`, which MLflow signs in as."""

    server: DatabaseServerRole | None = None
    """Only without `administrator`: an existing role that owns nothing. MLflow signs in as this role. Absent means that
    MLflow signs in as `user`, which can switch row-level security off."""

    replica: DatabaseReplica | None = None
    """If set, MLflow reads from this replica, and writes to `host`. New data can be read after the replication delay.
    While the replica is unavailable, requests are answered with 503, and clients try again.
    """

    authority: values.Authority | None = None
    """CA certificate of the server, needed if its CA is private and not in `cluster.authorities`."""

    max_connections: Annotated[int, whole(20, 100_000)] | None = None
    """`max_connections` of the database server. If set, pool sizes that need more connections are an error."""


class SqliteDatabase(Model):
    """An SQLite file on a volume that only one pod can mount, for evaluation by one person."""

    exclusive_volume: ClassVar = True
    """The server mounts the volume, which only one pod can do at a time."""

    kind: Literal["sqlite"]

    storage: values.VolumeSize = "1Gi"
    """Size of the volume."""
