"""An S3 bucket of the platform's own: encrypted with a key, versioned, closed to the public and to plain HTTP.

MLflow deletes artifacts for good only here: a deleted object stays as an old version for as long as the lifecycle says.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import policies
from components.aws.key import storage_key

s3 = aws.s3


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketArgs:
    """Input of `Bucket`."""

    bucket: str | None
    """Its name, which is unique in the world; None lets Pulumi choose one."""

    key: str | None
    """ARN of the KMS key that encrypts it; None makes one."""

    noncurrent_days: int
    """Days for which what was deleted or overwritten can be had back."""

    abort_days: int
    """Days after which the parts of an upload that never ended are dropped."""

    tiering_days: int | None
    """Days after which objects go to Intelligent-Tiering, which moves by use; None leaves them."""

    durable: bool
    """Whether deleting any of it is refused, and leaves it at AWS when it is forced; else what is in it goes too."""


def lifecycle(
    *, noncurrent_days: int, abort_days: int, tiering_days: int | None
) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """Rules for what would otherwise be paid for without end, each for all objects."""
    rules: list[s3.BucketLifecycleConfigurationRuleArgsDict] = [
        {
            "id": "unfinished-uploads",
            "status": "Enabled",
            "filter": {},
            "abort_incomplete_multipart_upload": {"days_after_initiation": abort_days},
        },
        {
            "id": "deleted-objects",
            "status": "Enabled",
            "filter": {},
            "noncurrent_version_expiration": {"noncurrent_days": noncurrent_days},
            # The marker that a deletion leaves, once it hides nothing.
            "expiration": {"expired_object_delete_marker": True},
        },
    ]
    if tiering_days is not None:
        tier: s3.BucketLifecycleConfigurationRuleTransitionArgsDict = {
            "days": tiering_days,
            "storage_class": "INTELLIGENT_TIERING",
        }
        rules.append({"id": "tiering", "status": "Enabled", "filter": {}, "transitions": [tier]})
    return rules


class Bucket(pulumi.ComponentResource):
    """The bucket and everything that guards it; what guards it stays as long as it does."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    key: pulumi.Output[str]
    """ARN of the key that encrypts it."""

    ready: tuple[pulumi.Resource, ...]
    """What must exist before somebody writes."""

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Bucket", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, protect=args.durable, retain_on_delete=args.durable)
        self.key = storage_key(f"{name}-key", args.key, "MLflow's artifacts", kept)
        bucket = s3.Bucket(f"{name}-bucket", bucket=args.bucket, force_destroy=not args.durable, opts=kept)
        self.name, self.arn = bucket.bucket, bucket.arn
        closed = s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=kept,
        )
        owned = s3.BucketOwnershipControls(
            f"{name}-ownership", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=kept
        )
        encrypted = s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": self.key,
                    },
                    # One call of KMS for many objects.
                    "bucket_key_enabled": True,
                }
            ],
            opts=kept,
        )
        versioned = s3.BucketVersioning(
            f"{name}-versioning", bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=kept
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=lifecycle(
                noncurrent_days=args.noncurrent_days, abort_days=args.abort_days, tiering_days=args.tiering_days
            ),
            # Rules about old versions are for a bucket that has them.
            opts=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(depends_on=[versioned])),
        )
        policy = s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.id,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(bucket.arn, self.key).apply(
                    lambda known: policies.bucket(bucket=known[0], key=known[1])
                )
            ),
            # Both change at once what the other is checked against, and S3 answers that with a conflict.
            opts=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(depends_on=[closed])),
        )
        self.ready = (closed, owned, encrypted, versioned, policy)
        self.register_outputs({"bucket": bucket.bucket, "key": self.key})
