"""The section `artifacts` with kind `bucket`."""

from typing import Annotated, Literal

from stackfile import amazon, values
from stackfile.kinds import whole
from stackfile.model.base import Model


class BucketArtifacts(Model):
    """A bucket at AWS, made by the platform: encrypted, versioned, closed to the public."""

    kind: Literal["bucket"]
    """Where artifacts are: in a store of the platform's (`in-cluster`), in a bucket that it makes at AWS (`bucket`), in
    one that exists (`s3`), or on a volume of the server's (`volume`)."""

    name: values.Bucket | None = None
    """Name of the bucket, unique in the world; absent lets Pulumi choose one."""

    kms_key: amazon.KeyArn | None = None
    """ARN of the key that encrypts it; absent means one of the platform's own. Another key later is for new objects,
    and what the old one has encrypted is not read any more: copy the objects first."""

    noncurrent_days: Annotated[int, whole(1, 3650)] = 30
    """Days for which what was deleted or overwritten can be had back."""

    abort_days: Annotated[int, whole(1, 365)] = 7
    """Days after which the parts of an upload that never ended are dropped."""

    tiering_days: Annotated[int, whole(0, 3650)] | None = None
    """Days after which objects go to Intelligent-Tiering; absent leaves them where they are."""

    direct_access: values.Flag = False
    """Whether teams' programs reach the files of their own workspace in the bucket, besides those that they get through
    MLflow; see docs/aws.md. Their pods then reach any address on 443."""
