"""S3: what is said about a bucket, a resource for each."""

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
    """One aspect of a bucket: put, got and deleted as a whole. Its id is the bucket's name."""

    required = ("bucket",)
    replaces = frozenset({"bucket"})
    computed = ("region",)
    none: ClassVar[frozenset[str]] = frozenset()
    """AWS's codes for: nothing is said about it."""

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        """Say it."""
        raise NotImplementedError

    def get(self, clients: Clients, bucket: str) -> Object | None:
        """Return what is said."""
        raise NotImplementedError

    def create(self, clients: Clients, inputs: Object) -> str:
        """Say it for the first time, over what may be there."""
        self.put(clients, text(inputs, "bucket"), inputs)
        return text(inputs, "bucket")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return what is said; nothing when the bucket is gone or silent."""
        del state
        try:
            found = self.get(clients, resource_id)
        except ClientError as error:
            if code_of(error) in {*NO_BUCKET, *self.none}:
                return None
            raise
        return None if found is None else {"bucket": resource_id, **found}

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Say something else."""
        del old
        self.put(clients, resource_id, new)


class BucketVersioning(BucketSetting):
    """Whether old versions stay."""

    token = "aws:s3/bucketVersioning:BucketVersioning"  # noqa: S105 - a type
    label = "S3 Bucket Versioning"
    required = ("bucket", "versioningConfiguration")
    gone = NO_BUCKET

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Know the three words; only a bucket that never had versions can be without."""
        status = text(inputs, "versioningConfiguration", "status")
        if status not in {"Enabled", "Suspended", "Disabled"}:
            yield (
                "versioningConfiguration",
                f"expected status to be one of Enabled, Suspended, Disabled, got {status!r}",
            )

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        """Switch it."""
        status: Any = text(inputs, "versioningConfiguration", "status")
        if status != "Disabled":
            clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

    def get(self, clients: Clients, bucket: str) -> Object | None:
        """Return the switch; a bucket that never had one says nothing."""
        status = clients.s3.get_bucket_versioning(Bucket=bucket).get("Status", "Disabled")
        return {"versioningConfiguration": {"status": status}}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Suspend it: AWS has no way back to none."""
        if text(state, "versioningConfiguration", "status") == "Enabled":
            clients.s3.put_bucket_versioning(Bucket=resource_id, VersioningConfiguration={"Status": "Suspended"})


class BucketPublicAccessBlock(BucketSetting):
    """The four blocks."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"  # noqa: S105 - a type
    label = "S3 Bucket Public Access Block"
    defaults: ClassVar[Mapping[str, Json]] = dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), False
    )
    kept = ("skipDestroy",)
    none = frozenset({"NoSuchPublicAccessBlockConfiguration"})
    gone = NO_BUCKET

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        """Set all four."""
        blocks: Any = {name[0].upper() + name[1:]: inputs.get(name) is True for name in self.defaults}
        clients.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocks)

    def get(self, clients: Clients, bucket: str) -> Object | None:
        """Return all four."""
        found = answer(clients.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"])
        return {name: bool(found.get(name[0].upper() + name[1:])) for name in self.defaults}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Take the blocks away, unless told to leave them."""
        if state.get("skipDestroy") is not True:
            clients.s3.delete_public_access_block(Bucket=resource_id)


class BucketOwnershipControls(BucketSetting):
    """Whether access control lists count."""

    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"  # noqa: S105 - a type
    label = "S3 Bucket Ownership Controls"
    required = ("bucket", "rule")
    none = frozenset({"OwnershipControlsNotFoundError"})
    gone = NO_BUCKET | none

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        """Set the rule."""
        rule: Any = {"ObjectOwnership": text(inputs, "rule", "objectOwnership")}
        clients.s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [rule]})

    def get(self, clients: Clients, bucket: str) -> Object | None:
        """Return the rule."""
        found = clients.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        return {"rule": {"objectOwnership": found[0]["ObjectOwnership"]}}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Take the rule away."""
        del state
        clients.s3.delete_bucket_ownership_controls(Bucket=resource_id)


class BucketServerSideEncryptionConfiguration(BucketSetting):
    """What encrypts by default."""

    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"  # noqa: S105
    label = "S3 Bucket Server-side Encryption Configuration"
    required = ("bucket", "rules")
    gone = NO_BUCKET

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        """Set the rules."""
        rules: Any = [to_aws(rule, _ENCRYPTION_NAMES) for rule in objects(inputs, "rules")]
        clients.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})

    def get(self, clients: Clients, bucket: str) -> Object | None:
        """Return the rules; AWS has one of its own where nobody set any."""
        try:
            found = answer(clients.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"])
        except ClientError as error:
            if code_of(error) != "ServerSideEncryptionConfigurationNotFoundError":
                raise
            return {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}
        return {"rules": [to_pulumi(rule, _ENCRYPTION_NAMES) for rule in found["Rules"]]}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Go back to AWS's own."""
        del state
        clients.s3.delete_bucket_encryption(Bucket=resource_id)


_ENCRYPTION_NAMES = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}


class BucketPolicy(BucketSetting):
    """The bucket's own policy."""

    token = "aws:s3/bucketPolicy:BucketPolicy"  # noqa: S105 - a type
    label = "S3 Bucket Policy"
    required = ("bucket", "policy")
    policies = ("policy",)
    none = frozenset({"NoSuchBucketPolicy"})
    gone = NO_BUCKET

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        """Set the document."""
        clients.s3.put_bucket_policy(Bucket=bucket, Policy=text(inputs, "policy"))

    def get(self, clients: Clients, bucket: str) -> Object | None:
        """Return the document."""
        return {"policy": clients.s3.get_bucket_policy(Bucket=bucket)["Policy"]}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Take the document away."""
        del state
        clients.s3.delete_bucket_policy(Bucket=resource_id)
