"""The S3 bucket that the platform creates: encrypted with a KMS key, versioned, closed to the public and to plain HTTP.

An object that MLflow deletes stays as a noncurrent version until the lifecycle rules expire it.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import policies
from components.aws.kms_key import storage_key

s3 = aws.s3


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketArgs:
    """Input of `Bucket`."""

    bucket: str | None
    """Globally unique name; None lets Pulumi generate one."""

    key: str | None
    """ARN of the KMS key that encrypts the bucket; None creates a KMS key."""

    noncurrent_days: int
    """Days for which deleted and overwritten objects can be restored."""

    abort_days: int
    """Days after which the parts of an unfinished upload are deleted."""

    tiering_days: int | None
    """Days after which objects move to Intelligent-Tiering; None keeps them in Standard."""

    durable: bool
    """True protects the bucket and its KMS key from deletion; a forced deletion removes them from the stack and retains
    them at AWS. False lets the bucket be deleted together with its objects."""


def lifecycle(
    *, noncurrent_days: int, abort_days: int, tiering_days: int | None
) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """Lifecycle rules of the bucket, each for all objects.

    Without these rules, unfinished uploads and deleted objects would be stored, and paid for, forever.
    """
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
            # Removes the delete marker of an object that has no version left.
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
    """The S3 bucket and the settings that protect it; if the bucket is retained, these settings are retained too."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    key: pulumi.Output[str]
    """ARN of the KMS key that encrypts the bucket."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before a client writes."""

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Bucket", name, None, opts)
        retained = pulumi.ResourceOptions(parent=self, protect=args.durable, retain_on_delete=args.durable)
        self.key = storage_key(f"{name}-key", args.key, "MLflow's artifacts", retained)
        bucket = s3.Bucket(f"{name}-bucket", bucket=args.bucket, force_destroy=not args.durable, opts=retained)
        self.name, self.arn = bucket.bucket, bucket.arn
        closed = s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=retained,
        )
        owned = s3.BucketOwnershipControls(
            f"{name}-ownership", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=retained
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
                    # One KMS request for many objects.
                    "bucket_key_enabled": True,
                }
            ],
            opts=retained,
        )
        versioned = s3.BucketVersioning(
            f"{name}-versioning", bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=retained
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=lifecycle(
                noncurrent_days=args.noncurrent_days, abort_days=args.abort_days, tiering_days=args.tiering_days
            ),
            # Rules for noncurrent versions require versioning.
            opts=pulumi.ResourceOptions.merge(retained, pulumi.ResourceOptions(depends_on=[versioned])),
        )
        policy = s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.id,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(bucket.arn, self.key).apply(lambda arns: policies.bucket(bucket=arns[0], key=arns[1]))
            ),
            # S3 answers simultaneous changes of policy and public access block with a conflict.
            opts=pulumi.ResourceOptions.merge(retained, pulumi.ResourceOptions(depends_on=[closed])),
        )
        self.ready = (closed, owned, encrypted, versioned, policy)
        self.register_outputs({"bucket": bucket.bucket, "key": self.key})
