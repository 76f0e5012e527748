"""KMS permissions that a call to S3 needs if the bucket or the request uses a customer managed KMS key.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: writing needs kms:GenerateDataKey.
Reading needs kms:Decrypt, and so does uploading a part or completing a multipart upload.
"""

from __future__ import annotations

from typing import Final

from testbed.aws.calls import s3
from testbed.aws.calls.call import Call
from testbed.aws.calls.permission import Permission
from testbed.aws.moto_state import storage

_KEY_HEADER: Final = "x-amz-server-side-encryption-aws-kms-key-id"


def permissions(call: Call) -> list[Permission]:
    """Return the KMS permissions that a call to S3 needs."""
    where = s3.place(call)
    if not where.key or storage.bucket(where.bucket) is None:
        return []
    gets = call.method == "GET" and not set(call.query) & {"acl", "tagging", "uploadId"}
    if gets or (call.method == "HEAD" and "x-amz-checksum-mode" in call.headers):
        key = storage.object_key(where.bucket, where.key, call.query.get("versionId"))
        return _use("kms:Decrypt", key, where, call)
    if call.method not in {"PUT", "POST"} or set(call.query) & {"acl", "tagging"}:
        return []
    chosen = call.headers.get(_KEY_HEADER)
    if "uploadId" in call.query:
        chosen = storage.upload_key(where.bucket, call.query["uploadId"])
        return _use("kms:Decrypt", chosen or storage.default_key(where.bucket), where, call)
    if chosen is None and call.headers.get("x-amz-server-side-encryption", "aws:kms") == "aws:kms":
        chosen = storage.default_key(where.bucket)
    return [*_use("kms:GenerateDataKey", chosen, where, call), *_copied(call)]


def _copied(call: Call) -> list[Permission]:
    if "x-amz-copy-source" not in call.headers:
        return []
    source, version = s3.copy_source(call)
    key = storage.object_key(source.bucket, source.key, version or None)
    return _use("kms:Decrypt", key, source, call)


def _use(action: str, key: str | None, where: s3.Place, call: Call) -> list[Permission]:
    region = storage.region_of(where.bucket) or call.region
    arn = None if key is None else storage.key_arn(key, region)
    if arn is None:
        return []
    bucket = f"arn:aws:s3:::{where.bucket}"
    keys = {
        "kms:viaservice": f"s3.{region}.amazonaws.com",
        # The encryption context is the bucket's ARN if the S3 Bucket Key is enabled, else the object's ARN.
        "kms:encryptioncontext:aws:s3:arn": bucket if storage.has_bucket_key(where.bucket) else f"{bucket}/{where.key}",
    }
    return [Permission(action=action, resource=arn, guard="key", guarded=arn, keys=keys)]
