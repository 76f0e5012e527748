"""The section `artifacts`."""

from typing import Literal

from stackfile import values
from stackfile.model.base import Model
from stackfile.model.credentials import CONFIGURED, BucketAccess


class InClusterArtifacts(Model):
    """An S3 store beside MLflow, one instance on one volume."""

    kind: Literal["in-cluster"]
    """Where artifacts are: in a store of the platform's (`in-cluster`), in a bucket that it makes at AWS (`bucket`), in
    one that exists (`s3`), or on a volume of the server's (`volume`)."""

    storage: values.VolumeSize = "20Gi"
    """Size of the volume."""


class S3Artifacts(Model):
    """A bucket that exists, at AWS or in any store that speaks S3."""

    kind: Literal["s3"]
    """Where artifacts are: in a store of the platform's (`in-cluster`), in a bucket that it makes at AWS (`bucket`), in
    one that exists (`s3`), or on a volume of the server's (`volume`)."""

    bucket: values.Bucket
    """Name of the bucket."""

    region: values.Region = "us-east-1"
    """The bucket's region; required for AWS."""

    endpoint_url: values.Endpoint | None = None
    """URL of the store; absent means AWS. In production it is https."""

    authority: values.Authority | None = None
    """Certificate of the private authority that signed the store's certificate; absent means a public one, or one of
    `cluster.authorities`."""

    credentials: BucketAccess = CONFIGURED
    """The access key that reads and writes the bucket, or a role of AWS."""


class VolumeArtifacts(Model):
    """A volume of the server's, for an evaluation; one pod at a time can use it."""

    kind: Literal["volume"]
    """Where artifacts are: in a store of the platform's (`in-cluster`), in a bucket that it makes at AWS (`bucket`), in
    one that exists (`s3`), or on a volume of the server's (`volume`)."""

    storage: values.VolumeSize = "10Gi"
    """Size of the volume."""
