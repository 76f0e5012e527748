"""The section `backups`."""

from typing import Annotated, Literal

from pydantic import Field

from settings.schema.base import Model
from settings.schema.credentials import AccessKeyInSecret, AccessKeyInStore, Configured, Needs
from settings.types import values
from settings.types.kinds import whole

BackupKey = Annotated[Configured | AccessKeyInSecret | AccessKeyInStore, Field(discriminator="kind")]


class Backups(Model):
    """Backups of the in-cluster PostgreSQL in an S3 store, from which any second can be restored (docs/backup.md)."""

    enabled: values.Flag = False
    """Archive PostgreSQL's write-ahead log continuously, and take a base backup each night."""

    days: Annotated[int, whole(1, 365)] = 7
    """Days for which backups are kept; the database can be restored to any second of these days."""

    hour: Annotated[int, whole(0, 23)] = 2
    """Hour of the nightly base backup, in UTC."""

    scratch: Literal["node", "volume"] = "node"
    """Disk for the temporary copy of the database that a backup proof or `make undelete` restores: `node` is the node's
    disk, which needs as much free space as the database takes; `volume` is a volume of `cluster.storageClass` that is
    deleted with the pod.
    """

    bucket: values.Bucket | None = None
    """Only with artifacts.kind `s3`: an existing bucket of that store, for backups alone. In the in-cluster store,
    the platform creates a bucket for backups."""

    credentials: Annotated[
        BackupKey | None,
        Needs("backupsAccessKeyId", "Access key ID; the key can read and write `backups.bucket`, and nothing else."),
        Needs("backupsSecretAccessKey", "Secret access key of `backupsAccessKeyId`."),
    ] = None
    """Only with `bucket`: the access key of that bucket."""
