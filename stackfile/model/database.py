"""The section `database`."""

from typing import Annotated, Literal

from stackfile import values
from stackfile.kinds import whole
from stackfile.model.base import Model
from stackfile.model.credentials import CONFIGURED, Password, PasswordOrGenerated

# Of one process for each connection; more want a pooler in front of PostgreSQL.
MOST_CONNECTIONS = 2000


class InClusterDatabase(Model):
    """PostgreSQL beside MLflow, one instance on one volume."""

    kind: Literal["in-cluster"]
    """Where metadata is: in PostgreSQL beside MLflow (`in-cluster`), at Amazon RDS (`rds`), in somebody else's
    (`external`), or in a file (`sqlite`)."""

    storage: values.VolumeSize = "10Gi"
    """Size of the volume."""

    max_connections: Annotated[int, whole(20, MOST_CONNECTIONS)] = 150
    """`max_connections` of the server. Each connection may take 4 MiB of its memory."""

    memory_limit: values.Size = "1Gi"
    """Memory at which the server is restarted; a quarter of it is promised, and PostgreSQL's shared buffers."""


class DatabaseAdministrator(Model):
    """A role that may create roles and databases, with which a Job makes those of MLflow if they are missing."""

    user: values.RoleName
    """Its name."""

    credentials: Password = CONFIGURED
    """Its password."""


class ExternalDatabase(Model):
    """PostgreSQL that somebody else runs."""

    kind: Literal["external"]
    """Where metadata is: in PostgreSQL beside MLflow (`in-cluster`), at Amazon RDS (`rds`), in somebody else's
    (`external`), or in a file (`sqlite`)."""

    host: values.ServerHost
    """The server; connections to it are encrypted."""

    port: values.Port = 5432
    """Its TCP port."""

    name: values.Identifier = "mlflow"
    """Name of the database; without an administrator it exists and belongs to `user`."""

    user: values.Identifier = "mlflow"
    """Role that MLflow signs in as."""

    credentials: PasswordOrGenerated = CONFIGURED
    """The role's password; `generated` needs an administrator, who sets it."""

    administrator: DatabaseAdministrator | None = None
    """Given, role and database are made if they are missing, and the role's password is set."""

    authority: values.Authority | None = None
    """Certificate of the private authority that signed the server's certificate; absent means a public one, or one of
    `cluster.authorities`."""

    max_connections: Annotated[int, whole(20, 100_000)] | None = None
    """The server's `max_connections`; given, a server that would need more is refused at preview."""


class SqliteDatabase(Model):
    """A file on a volume, for an evaluation of one person's size; one pod at a time can use it."""

    kind: Literal["sqlite"]
    """Where metadata is: in PostgreSQL beside MLflow (`in-cluster`), at Amazon RDS (`rds`), in somebody else's
    (`external`), or in a file (`sqlite`)."""

    storage: values.VolumeSize = "1Gi"
    """Size of the volume."""
