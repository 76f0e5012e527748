"""The section `database`."""

from typing import Annotated, Literal

from stackfile import values
from stackfile.kinds import whole
from stackfile.model.base import Model

# Of one process for each connection; more want a pooler in front of PostgreSQL.
MOST_CONNECTIONS = 2000


class InClusterDatabase(Model):
    """PostgreSQL beside MLflow, one instance on one volume."""

    kind: Literal["in-cluster"]
    """Who runs PostgreSQL: the platform (`in-cluster`), Amazon RDS (`rds`) or somebody else (`external`)."""

    storage: values.VolumeSize = "10Gi"
    """Size of the volume."""

    max_connections: Annotated[int, whole(20, MOST_CONNECTIONS)] = 150
    """`max_connections` of the server. Each connection may take 4 MiB of its memory."""

    memory_limit: values.Size = "1Gi"
    """Memory at which the server is restarted; a quarter of it is promised, and PostgreSQL's shared buffers."""


class ExternalDatabase(Model):
    """PostgreSQL that somebody else runs."""

    kind: Literal["external"]
    """Who runs PostgreSQL: the platform (`in-cluster`), Amazon RDS (`rds`) or somebody else (`external`)."""

    host: values.ServerHost
    """The server; connections to it are encrypted."""

    port: values.Port = 5432
    """Its TCP port."""

    name: values.Identifier = "mlflow"
    """Name of the database, which exists and belongs to `user`."""

    user: values.Identifier = "mlflow"
    """Role that MLflow signs in as."""

    max_connections: Annotated[int, whole(20, 100_000)] | None = None
    """The server's `max_connections`; given, a server that would need more is refused at preview."""
