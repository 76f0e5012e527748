"""SQLite: metadata in a file on a volume, for a quick evaluation. One pod at a time can use it."""

from dataclasses import dataclass

import pulumi

from components.database.database import Database
from components.kubernetes.volume import volume


@dataclass(frozen=True, kw_only=True, slots=True)
class SqliteArgs:
    """Input of `Sqlite`."""

    namespace: pulumi.Input[str]
    storage: str
    """Size of the volume, as a Kubernetes quantity."""

    storage_class: str | None = None
    """None means the cluster's default class."""


class Sqlite(pulumi.ComponentResource):
    """A volume for the file, which the schema migration makes."""

    database: Database

    def __init__(self, name: str, args: SqliteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Sqlite", name, None, opts)
        claim, attachment = volume(
            name,
            "/mlflow",
            storage=args.storage,
            storage_class=args.storage_class,
            namespace=args.namespace,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.database = Database(
            uri="sqlite:////mlflow/mlflow.db", attachment=attachment, flows=(), ready=(claim,), exclusive=True
        )
        self.register_outputs({})
