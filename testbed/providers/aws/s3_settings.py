"""S3: bucket settings that are separate Pulumi resources, such as versioning and encryption."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import ClientError

from testbed.providers.aws.clients import code_of
from testbed.providers.aws.kinds import Failure, Kind, answer
from testbed.providers.aws.s3 import NO_BUCKET
from testbed.providers.aws.shapes import to_aws, to_pulumi
from testbed.providers.values import Json, Object, objects, text

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients


class BucketSetting(Kind):
    """Base class of bucket settings, which are put, read and deleted as a whole. Their id is the bucket's name."""

    required = ("bucket",)
    replaces = frozenset({"bucket"})
    computed = ("region",)
    gone = NO_BUCKET

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        """Write the setting; an existing value is overwritten."""
        raise NotImplementedError

    def get(self, clients: Clients, bucket: str) -> Object:
        """Return the setting's properties, without `bucket`."""
        raise NotImplementedError

    def create(self, clients: Clients, inputs: Object) -> str:
        self.put(clients, text(inputs, "bucket"), inputs)
        return text(inputs, "bucket")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        return {"bucket": resource_id, **self.get(clients, resource_id)}

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        self.put(clients, resource_id, new)


class BucketVersioning(BucketSetting):
    token = "aws:s3/bucketVersioning:BucketVersioning"  # noqa: S105 - a type
    label = "S3 Bucket Versioning"
    required = ("bucket", "versioningConfiguration")

    def check(self, inputs: Object) -> Iterable[Failure]:
        status = text(inputs, "versioningConfiguration", "status")
        if status not in {"Enabled", "Suspended", "Disabled"}:
            yield (
                "versioningConfiguration",
                f"expected status to be one of Enabled, Suspended, Disabled, got {status!r}",
            )

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        """Enable or suspend versioning; `Disabled`, the status of a new bucket, makes no call."""
        status: Any = text(inputs, "versioningConfiguration", "status")
        if status != "Disabled":
            clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

    def get(self, clients: Clients, bucket: str) -> Object:
        status = clients.s3.get_bucket_versioning(Bucket=bucket).get("Status", "Disabled")
        return {"versioningConfiguration": {"status": status}}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Suspend versioning: AWS cannot disable it again."""
        if text(state, "versioningConfiguration", "status") == "Enabled":
            clients.s3.put_bucket_versioning(Bucket=resource_id, VersioningConfiguration={"Status": "Suspended"})


class BucketPublicAccessBlock(BucketSetting):
    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"  # noqa: S105 - a type
    label = "S3 Bucket Public Access Block"
    defaults: ClassVar[Mapping[str, Json]] = dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), False
    )
    kept = ("skipDestroy",)
    gone = NO_BUCKET | {"NoSuchPublicAccessBlockConfiguration"}

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        blocks: Any = {name[0].upper() + name[1:]: inputs.get(name) is True for name in self.defaults}
        clients.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocks)

    def get(self, clients: Clients, bucket: str) -> Object:
        found = answer(clients.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"])
        return {name: bool(found.get(name[0].upper() + name[1:])) for name in self.defaults}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        if state.get("skipDestroy") is not True:
            clients.s3.delete_public_access_block(Bucket=resource_id)


class BucketOwnershipControls(BucketSetting):
    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"  # noqa: S105 - a type
    label = "S3 Bucket Ownership Controls"
    required = ("bucket", "rule")
    gone = NO_BUCKET | {"OwnershipControlsNotFoundError"}

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        rule: Any = {"ObjectOwnership": text(inputs, "rule", "objectOwnership")}
        clients.s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [rule]})

    def get(self, clients: Clients, bucket: str) -> Object:
        found = clients.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        return {"rule": {"objectOwnership": found[0]["ObjectOwnership"]}}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.s3.delete_bucket_ownership_controls(Bucket=resource_id)


class BucketServerSideEncryptionConfiguration(BucketSetting):
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"  # noqa: S105
    label = "S3 Bucket Server-side Encryption Configuration"
    required = ("bucket", "rules")

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        rules: Any = [to_aws(rule, _ENCRYPTION_NAMES) for rule in objects(inputs, "rules")]
        clients.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})

    def get(self, clients: Clients, bucket: str) -> Object:
        """Return the encryption rules; AWS's default rule (AES256) if none are set."""
        try:
            found = answer(clients.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"])
        except ClientError as error:
            if code_of(error) != "ServerSideEncryptionConfigurationNotFoundError":
                raise
            return {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}
        return {"rules": [to_pulumi(rule, _ENCRYPTION_NAMES) for rule in found["Rules"]]}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.s3.delete_bucket_encryption(Bucket=resource_id)


_ENCRYPTION_NAMES = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}


class BucketPolicy(BucketSetting):
    token = "aws:s3/bucketPolicy:BucketPolicy"  # noqa: S105 - a type
    label = "S3 Bucket Policy"
    required = ("bucket", "policy")
    policies = ("policy",)
    gone = NO_BUCKET | {"NoSuchBucketPolicy"}

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        clients.s3.put_bucket_policy(Bucket=bucket, Policy=text(inputs, "policy"))

    def get(self, clients: Clients, bucket: str) -> Object:
        return {"policy": clients.s3.get_bucket_policy(Bucket=bucket)["Policy"]}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.s3.delete_bucket_policy(Bucket=resource_id)
