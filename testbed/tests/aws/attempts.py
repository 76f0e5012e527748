"""Requests that a caller can try at AWS: every operation in every place."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from components.aws import policies
from testbed.aws.server import Key
from testbed.tests.aws.world import BUCKET, OTHER_BUCKET, World

# Refusals, by the codes that AWS's services have for them; S3 answers a HEAD with the number alone.
REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "403"})


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request."""

    name: str
    call: Callable[[World, Key], object]
    tls: bool = True

    def succeeds(self, world: World, who: Key) -> bool:
        """True if it is allowed; any other error than a refusal fails the test."""
        try:
            self.call(world, who)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in REFUSED:
                raise
            return False
        return True


Call = Callable[[Any, str, str, World], object]
"""An operation on an object: takes an S3 client, bucket and key."""


def _parts(s3: Any, bucket: str, key: str, _world: World) -> object:  # noqa: ANN401 - a client of boto3's
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=parts)


def _given_up(s3: Any, bucket: str, key: str, world: World) -> object:  # noqa: ANN401 - a client of boto3's
    begun = world.administrator("s3").create_multipart_upload(Bucket=bucket, Key=key)
    return s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=begun["UploadId"])


# Operations by name: reads of existing objects, writes of new ones.
READS: dict[str, Call] = {
    "get": lambda s3, bucket, key, _: s3.get_object(Bucket=bucket, Key=key)["Body"].read(),
    "head": lambda s3, bucket, key, _: s3.head_object(Bucket=bucket, Key=key),
}
WRITES: dict[str, Call] = {
    "put": lambda s3, bucket, key, _: s3.put_object(Bucket=bucket, Key=f"{key}-new", Body=b"x"),
    "upload in parts": lambda s3, bucket, key, world: _parts(s3, bucket, f"{key}-parts", world),
    "give up an upload": lambda s3, bucket, key, world: _given_up(s3, bucket, f"{key}-given-up", world),
    "delete": lambda s3, bucket, key, _: s3.delete_object(Bucket=bucket, Key=f"{key}-gone"),
    "delete several": lambda s3, bucket, key, _: _all_deleted(
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"{key}-gone"}, {"Key": f"{key}-lost"}]})
    ),
}
# Operations that no identity of the platform needs.
NEVER: dict[str, Call] = {
    "get an old version": lambda s3, bucket, key, world: s3.get_object(
        Bucket=bucket, Key=key, VersionId=world.versions[f"{bucket}/{key}"]
    ),
    "delete a version": lambda s3, bucket, key, world: s3.delete_object(
        Bucket=bucket, Key=key, VersionId=world.versions[f"{bucket}/{key}"]
    ),
    "tag": lambda s3, bucket, key, _: s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": []}),
    "publish": lambda s3, bucket, key, _: s3.put_object_acl(Bucket=bucket, Key=key, ACL="public-read"),
}
ON_BUCKETS: dict[str, Callable[[Any, str], object]] = {
    "list old versions": lambda s3, bucket: s3.list_object_versions(Bucket=bucket),
    "list unfinished uploads": lambda s3, bucket: s3.list_multipart_uploads(Bucket=bucket),
    "read the policy": lambda s3, bucket: s3.get_bucket_policy(Bucket=bucket),
    "write the policy": lambda s3, bucket: s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps(policies.bucket(bucket=f"arn:aws:s3:::{bucket}", key="none"))
    ),
    "delete the policy": lambda s3, bucket: s3.delete_bucket_policy(Bucket=bucket),
    "suspend versioning": lambda s3, bucket: s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    ),
    "drop the encryption": lambda s3, bucket: s3.delete_bucket_encryption(Bucket=bucket),
    "drop the lifecycle": lambda s3, bucket: s3.delete_bucket_lifecycle(Bucket=bucket),
    "open it to the public": lambda s3, bucket: s3.delete_public_access_block(Bucket=bucket),
    "delete it": lambda s3, bucket: s3.delete_bucket(Bucket=bucket),
}


def _all_deleted(answer: dict[str, Any]) -> None:
    for error in answer.get("Errors", []):
        raise ClientError({"Error": error}, "DeleteObjects")


def objects(bucket: str, owner: str, *, tls: bool = True) -> dict[str, Attempt]:
    """All operations on the files of one owner, by name."""
    key = f"workspaces/{owner}/1/model"

    def attempt(call: Call) -> Callable[[World, Key], object]:
        return lambda world, who: call(world.client("s3", who, tls=tls), bucket, key, world)

    return {
        name: Attempt(name=f"{name} of {owner} in {bucket}{'' if tls else ' without TLS'}", call=attempt(call), tls=tls)
        for name, call in {**READS, **WRITES, **NEVER}.items()
    }


def listing(bucket: str, prefix: str, *, tls: bool = True) -> Attempt:
    """List the names that begin with a prefix."""

    def call(world: World, who: Key) -> object:
        return world.client("s3", who, tls=tls).list_objects_v2(Bucket=bucket, Prefix=prefix)

    return Attempt(name=f"list {prefix or 'everything'} in {bucket}{'' if tls else ' without TLS'}", call=call, tls=tls)


def on_bucket(bucket: str) -> Iterator[Attempt]:
    """Operations that read or change a bucket's settings."""
    for name, call in ON_BUCKETS.items():

        def attempt(world: World, who: Key, call: Callable[[Any, str], object] = call) -> object:
            return call(world.client("s3", who), bucket)

        yield Attempt(name=f"{name} of {bucket}", call=attempt)


def copy(source: str, target: str) -> Attempt:
    """Copy a file within the bucket."""

    def call(world: World, who: Key) -> object:
        return world.client("s3", who).copy_object(
            Bucket=BUCKET,
            Key=f"workspaces/{target}/1/copy",
            CopySource={"Bucket": BUCKET, "Key": f"workspaces/{source}/1/model"},
        )

    return Attempt(name=f"copy from {source} to {target}", call=call)


def encrypted(owner: str, how: str, key: Callable[[World], str] | None = None) -> Attempt:
    """Write a file with an encryption that the caller chooses."""

    def call(world: World, who: Key) -> object:
        chosen = None if key is None else key(world)
        return world.client("s3", who).put_object(
            Bucket=BUCKET,
            Key=f"workspaces/{owner}/1/encrypted",
            Body=b"x",
            ServerSideEncryption=how,
            **({"SSEKMSKeyId": chosen} if chosen else {}),
        )

    return Attempt(name=f"put with {how} and {'a' if key else 'no'} key", call=call)


def elsewhere() -> Iterator[Attempt]:
    """Operations that have nothing to do with artifacts."""

    def of(service: str, operation: str, **given: Any) -> Attempt:  # noqa: ANN401 - the operation's arguments
        def call(world: World, who: Key) -> object:
            return getattr(world.client(service, who), operation)(**given)

        return Attempt(name=f"{service} {operation}", call=call)

    yield of("s3", "list_buckets")
    yield of("iam", "list_users")
    yield of("iam", "create_access_key", UserName="administrator")
    yield of("secretsmanager", "list_secrets")
    yield of("secretsmanager", "get_secret_value", SecretId="payroll")
    yield of("rds", "describe_db_instances")
    yield Attempt(
        name="decrypt by the key itself",
        call=lambda world, who: world.client("kms", who).generate_data_key(KeyId=world.key, KeySpec="AES_256"),
    )


__all__ = ["BUCKET", "NEVER", "ON_BUCKETS", "OTHER_BUCKET", "READS", "WRITES", "Attempt"]
