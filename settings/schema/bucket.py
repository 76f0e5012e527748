"""The section `artifacts` with kind `bucket`."""

from typing import Annotated, ClassVar, Literal

from settings.schema.base import Model
from settings.types import amazon, values
from settings.types.kinds import whole


class BucketArtifacts(Model):
    """A new bucket at AWS: encrypted, versioned, without public access."""

    exclusive_volume: ClassVar = False

    kind: Literal["bucket"]

    name: values.Bucket | None = None
    """Name of the bucket, globally unique; absent means that Pulumi generates one."""

    prefix: values.Prefix | None = None
    """Folder of the bucket for all artifacts, like `mlflow-artifacts`; absent means the whole bucket. The IAM policies
    of server and teams allow no object outside it. `up` moves no artifacts: change it only while there are none, or
    move them first."""

    kms_key: amazon.KeyArn | None = None
    """ARN of the KMS key; absent means that the platform creates one. After a change only new objects use the new key,
    and MLflow cannot read objects encrypted with the old one: re-encrypt those with the new key first."""

    noncurrent_days: Annotated[int, whole(1, 3650)] = 30
    """Days for which deleted or overwritten objects can be restored."""

    abort_days: Annotated[int, whole(1, 365)] = 7
    """Days after which the parts of incomplete uploads are deleted."""

    tiering_days: Annotated[int, whole(0, 3650)] | None = None
    """Days after which objects move to S3 Intelligent-Tiering; `null` means never."""

    direct_access: values.Flag = False
    """Let teams' programs access the files of their own workspace directly in the bucket; see docs/aws.md. Teams' pods
    may then connect to any address on port 443."""
