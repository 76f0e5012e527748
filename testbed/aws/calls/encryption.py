"""What S3 asks of the encryption key in its caller's name, when a bucket or a request has a key of the account's own.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: writing needs
kms:GenerateDataKey, reading kms:Decrypt, and so do the parts and the end of a multipart upload.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from testbed.aws.calls import s3
from testbed.aws.calls.ask import Ask
from testbed.aws.calls.call import Call
from testbed.aws.kept import storage

_KEY_HEADER: Final = "x-amz-server-side-encryption-aws-kms-key-id"


def asks(call: Call) -> list[Ask]:
    """Name what a request to S3 asks of keys."""
    where = s3.place(call)
    if not where.key or storage.bucket(where.bucket) is None:
        return []
    if call.method == "GET" and not set(call.query) & {"acl", "tagging", "uploadId"}:
        return _use(
            "kms:Decrypt", storage.object_key(where.bucket, where.key, call.query.get("versionId")), where, call
        )
    if call.method == "HEAD" and "x-amz-checksum-mode" in call.headers:
        return _use(
            "kms:Decrypt", storage.object_key(where.bucket, where.key, call.query.get("versionId")), where, call
        )
    if call.method not in {"PUT", "POST"} or set(call.query) & {"acl", "tagging"}:
        return []
    chosen = call.headers.get(_KEY_HEADER)
    if "uploadId" in call.query:
        chosen = storage.upload_key(where.bucket, call.query["uploadId"])
        return _use("kms:Decrypt", chosen or storage.default_key(where.bucket), where, call)
    if chosen is None and call.headers.get("x-amz-server-side-encryption", "aws:kms") == "aws:kms":
        chosen = storage.default_key(where.bucket)
    return [*_use("kms:GenerateDataKey", chosen, where, call), *_copied(call)]


def _copied(call: Call) -> list[Ask]:
    if "x-amz-copy-source" not in call.headers:
        return []
    source, _, version = unquote(call.headers["x-amz-copy-source"]).removeprefix("/").partition("?versionId=")
    bucket, _, key = source.partition("/")
    return _use("kms:Decrypt", storage.object_key(bucket, key, version or None), s3.Place(bucket, key), call)


def _use(action: str, key: str | None, where: s3.Place, call: Call) -> list[Ask]:
    region = storage.region_of(where.bucket) or call.region
    arn = None if key is None else storage.key_arn(key, region)
    if arn is None:
        return []
    bucket = f"arn:aws:s3:::{where.bucket}"
    keys = {
        "kms:viaservice": f"s3.{region}.amazonaws.com",
        # With a bucket key the data keys are the bucket's, else each object's.
        "kms:encryptioncontext:aws:s3:arn": bucket if storage.has_bucket_key(where.bucket) else f"{bucket}/{where.key}",
    }
    return [Ask(action=action, resource=arn, guard="key", guarded=arn, keys=keys)]
