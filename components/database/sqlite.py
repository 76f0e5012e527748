"""SQLite: metadata in a file on a volume, for a quick evaluation. Only one pod at a time can use the volume."""

from dataclasses import dataclass

import pulumi

from components.database.database import Connection, Database
from components.kubernetes.volumes import persistent_volume


@dataclass(frozen=True, kw_only=True, slots=True)
class SqliteArgs:
    """Input of `Sqlite`."""

    namespace: pulumi.Input[str]
    storage: str
    """Size of the volume, as a Kubernetes quantity."""

    storage_class: str | None = None
    """None means the cluster's default storage class."""


class Sqlite(pulumi.ComponentResource):
    """The volume for the SQLite file; the schema migration creates the file."""

    database: Database

    def __init__(self, name: str, args: SqliteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Sqlite", name, None, opts)
        claim, attachment = persistent_volume(
            name,
            "/mlflow",
            storage=args.storage,
            storage_class=args.storage_class,
            namespace=args.namespace,
            opts=pulumi.ResourceOptions(parent=self),
        )
        connection = Connection(uri="sqlite:////mlflow/mlflow.db", attachment=attachment)
        self.database = Database(owner=connection, server=connection, flows=(), ready=(claim,), exclusive=True)
        self.register_outputs({})
