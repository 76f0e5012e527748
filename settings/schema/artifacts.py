"""The section `artifacts`."""

from typing import Annotated, ClassVar, Literal

from settings.schema.base import Model
from settings.schema.credentials import CONFIGURED, BucketAccess, Needs, Rotation
from settings.types import values


class InClusterArtifacts(Model):
    """An S3 store in the cluster: one pod with one volume."""

    exclusive_volume: ClassVar = False

    kind: Literal["in-cluster"]

    storage: values.VolumeSize = "20Gi"
    """Size of the volume."""

    prefix: values.Prefix | None = None
    """Folder of the bucket for all artifacts, like `mlflow-artifacts`; absent means the whole bucket. `up` moves no
    artifacts: change it only while there are none, or move them first."""

    rotation: Rotation = 1
    """Raise this number to generate new access keys, those of teams with `directAccess` too; store and server
    restart."""


class S3Artifacts(Model):
    """An existing bucket, at AWS or in any S3-compatible store."""

    exclusive_volume: ClassVar = False

    kind: Literal["s3"]

    bucket: values.Bucket
    """Name of the bucket."""

    prefix: values.Prefix | None = None
    """Folder of the bucket for all artifacts, like `mlflow-artifacts`, if others use the bucket too; absent means the
    whole bucket. `up` moves no artifacts: change it only while there are none, or move them first."""

    region: values.Region = "us-east-1"
    """Region of the bucket. Must be set for AWS; the default is only for other S3-compatible stores."""

    endpoint_url: values.Endpoint | None = None
    """URL of the store; absent means AWS. Profile `production` requires https."""

    checksums: values.Flag = True
    """Send S3's additional checksums (CRC32) with uploads; `false` for stores that refuse them, such as Google Cloud
    Storage."""

    authority: values.Authority | None = None
    """CA certificate of the store, needed if its CA is private and not in `cluster.authorities`."""

    credentials: Annotated[
        BucketAccess,
        Needs("artifactsAccessKeyId", "Access key ID; the key can read and write the bucket."),
        Needs("artifactsSecretAccessKey", "Secret access key of `artifactsAccessKeyId`."),
    ] = CONFIGURED
    """Access key for the bucket, or an IAM role."""


class VolumeArtifacts(Model):
    """A volume of the server that only one pod can mount, for evaluation."""

    exclusive_volume: ClassVar = True
    """The server mounts the volume, which only one pod can do at a time."""

    kind: Literal["volume"]

    storage: values.VolumeSize = "10Gi"
    """Size of the volume."""
