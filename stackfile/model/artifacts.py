"""The section `artifacts`."""

from typing import Literal

from stackfile import values
from stackfile.model.base import Model


class InClusterArtifacts(Model):
    """An S3 store beside MLflow, one instance on one volume."""

    kind: Literal["in-cluster"]
    """Where artifacts are: in a store of the platform's (`in-cluster`), in a bucket that it makes at AWS (`bucket`), or
    in one that exists (`s3`)."""

    storage: values.VolumeSize = "20Gi"
    """Size of the volume."""


class S3Artifacts(Model):
    """A bucket that exists, at AWS or in any store that speaks S3."""

    kind: Literal["s3"]
    """Where artifacts are: in a store of the platform's (`in-cluster`), in a bucket that it makes at AWS (`bucket`), or
    in one that exists (`s3`)."""

    bucket: values.Bucket
    """Name of the bucket."""

    region: values.Region = "us-east-1"
    """The bucket's region; required for AWS."""

    endpoint_url: values.Endpoint | None = None
    """URL of the store; absent means AWS. In production it is https."""
