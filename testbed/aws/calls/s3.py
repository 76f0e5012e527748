"""Requests to S3, and the actions they need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import xmltodict

from testbed.aws.calls.ask import Ask, UnknownCallError
from testbed.aws.calls.call import Call

_HOST: Final = re.compile(r"(?:(?P<bucket>.+)\.)?s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com")

# By sub-resource in the query, method, action. A write of none is a delete in the actions of S3, except for a policy.
_READ_WRITE: Final[Mapping[str, tuple[str, str, str]]] = {
    "acl": ("GetBucketAcl", "PutBucketAcl", ""),
    "cors": ("GetBucketCORS", "PutBucketCORS", "PutBucketCORS"),
    "encryption": ("GetEncryptionConfiguration", "PutEncryptionConfiguration", "PutEncryptionConfiguration"),
    "lifecycle": ("GetLifecycleConfiguration", "PutLifecycleConfiguration", "PutLifecycleConfiguration"),
    "location": ("GetBucketLocation", "", ""),
    "logging": ("GetBucketLogging", "PutBucketLogging", ""),
    "notification": ("GetBucketNotification", "PutBucketNotification", ""),
    "object-lock": ("GetBucketObjectLockConfiguration", "PutBucketObjectLockConfiguration", ""),
    "ownershipControls": ("GetBucketOwnershipControls", "PutBucketOwnershipControls", "PutBucketOwnershipControls"),
    "policy": ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
    "policyStatus": ("GetBucketPolicyStatus", "", ""),
    "publicAccessBlock": ("GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    "replication": ("GetReplicationConfiguration", "PutReplicationConfiguration", "PutReplicationConfiguration"),
    "tagging": ("GetBucketTagging", "PutBucketTagging", "PutBucketTagging"),
    "uploads": ("ListBucketMultipartUploads", "", ""),
    "versioning": ("GetBucketVersioning", "PutBucketVersioning", ""),
    "versions": ("ListBucketVersions", "", ""),
    "website": ("GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite"),
}
_OBJECT: Final[Mapping[tuple[str, str], str]] = {
    ("GET", "acl"): "GetObjectAcl",
    ("PUT", "acl"): "PutObjectAcl",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("PUT", "uploadId"): "PutObject",
    ("POST", "uploadId"): "PutObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("POST", "uploads"): "PutObject",
    ("GET", ""): "GetObject",
    ("HEAD", ""): "GetObject",
    ("PUT", ""): "PutObject",
    ("DELETE", ""): "DeleteObject",
}
_SUB_RESOURCES: Final = frozenset(
    {*_READ_WRITE, "uploadId", "delete", "restore", "select", "attributes", "retention", "legal-hold", "torrent"}
    | {"accelerate", "analytics", "inventory", "metrics", "intelligent-tiering", "requestPayment", "session"}
)
_HEADERS: Final = ("x-amz-acl", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
_VERSIONED: Final = frozenset({"GetObject", "DeleteObject", "GetObjectTagging", "GetObjectAcl"})


@dataclass(frozen=True, slots=True)
class Place:
    """What a request is about: nothing, a bucket, or an object."""

    bucket: str
    key: str


def place(call: Call) -> Place:
    """Read bucket and object from the path, or from a host name of AWS."""
    found = _HOST.fullmatch(call.host)
    path = call.path.removeprefix("/")
    if found and found["bucket"]:
        return Place(found["bucket"], path)
    bucket, _, key = path.partition("/")
    return Place(bucket, key)


def asks(call: Call) -> list[Ask]:
    """Name the actions of a request."""
    where = place(call)
    if not where.bucket:
        if call.method != "GET":
            raise UnknownCallError(f"{call.method} without a bucket")
        return [Ask(action="s3:ListAllMyBuckets", resource="*")]
    about = [name for name in call.query if name in _SUB_RESOURCES]
    if len(about) > 1:
        raise UnknownCallError(f"several sub-resources in one request: {about}")
    return list(_object(call, where, *about) if where.key else _bucket(call, where, *about))


def _of_bucket(where: Place, action: str, keys: Mapping[str, str] | None = None) -> Ask:
    arn = f"arn:aws:s3:::{where.bucket}"
    return Ask(action=f"s3:{action}", resource=arn, guard="bucket", guarded=where.bucket, keys=keys or {})


def of_object(bucket: str, key: str, action: str, keys: Mapping[str, str] | None = None, *, item: str = "") -> Ask:
    """Ask for an action on an object."""
    arn = f"arn:aws:s3:::{bucket}/{key}"
    return Ask(action=f"s3:{action}", resource=arn, guard="bucket", guarded=bucket, keys=keys or {}, item=item)


def _bucket(call: Call, where: Place, about: str = "") -> Iterator[Ask]:
    if about == "delete" and call.method == "POST":
        yield from _deletes(call, where)
    elif about in _READ_WRITE:
        read, write, delete = _READ_WRITE[about]
        action = {"GET": read, "PUT": write, "DELETE": delete}.get(call.method)
        if not action:
            raise UnknownCallError(f"{call.method} of a bucket's {about}")
        yield _of_bucket(where, action, _listing(call))
    elif about:
        raise UnknownCallError(f"a bucket's {about}")
    else:
        actions = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
        if call.method not in actions:
            raise UnknownCallError(f"{call.method} of a bucket")
        yield _of_bucket(where, actions[call.method], _listing(call))


def _listing(call: Call) -> dict[str, str]:
    return {f"s3:{name}": call.query[name] for name in ("prefix", "delimiter", "max-keys") if name in call.query}


def _deletes(call: Call, where: Place) -> Iterator[Ask]:
    document = xmltodict.parse(call.body, force_list=("Object",))
    for item in document["Delete"]["Object"]:
        version = item.get("VersionId")
        action = "DeleteObjectVersion" if version else "DeleteObject"
        yield of_object(
            where.bucket, item["Key"], action, {"s3:versionid": version} if version else {}, item=item["Key"]
        )


def _object(call: Call, where: Place, about: str = "") -> Iterator[Ask]:
    action = _OBJECT.get((call.method, about))
    if action is None:
        raise UnknownCallError(f"{call.method} of an object's {about or 'content'}")
    keys = {f"s3:{name}": call.headers[name] for name in _HEADERS if name in call.headers}
    if "versionId" in call.query:
        keys["s3:versionid"] = call.query["versionId"]
        action = action.replace("Object", "ObjectVersion") if action in _VERSIONED else action
    yield of_object(where.bucket, where.key, action, keys)
    if call.method == "PUT" and about != "tagging" and "x-amz-tagging" in call.headers:
        yield of_object(where.bucket, where.key, "PutObjectTagging", keys)
    if call.method == "PUT" and about != "acl" and "x-amz-acl" in call.headers:
        yield of_object(where.bucket, where.key, "PutObjectAcl", keys)
    if "x-amz-copy-source" in call.headers:
        source, _, version = unquote(call.headers["x-amz-copy-source"]).removeprefix("/").partition("?versionId=")
        bucket, _, key = source.partition("/")
        yield of_object(bucket, key, "GetObjectVersion" if version else "GetObject")
