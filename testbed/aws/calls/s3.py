"""Calls to S3, and the permissions they need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import xmltodict

from testbed.aws.calls.call import Call
from testbed.aws.calls.permission import Permission, UnknownCallError

_HOST: Final = re.compile(r"(?:(?P<bucket>.+)\.)?s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com")

# Actions to read, write and delete a sub-resource of a bucket, by its name in the query; empty if there is no action.
# For most sub-resources, deletion needs the action to write.
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
    """The bucket and the object key that a request addresses; each is empty if the request addresses none."""

    bucket: str
    key: str


def copy_source(call: Call) -> tuple[Place, str]:
    """Return the source of a copy and its version id, from the request's header; without a version, the id is empty."""
    source, _, version = unquote(call.headers["x-amz-copy-source"]).removeprefix("/").partition("?versionId=")
    bucket, _, key = source.partition("/")
    return Place(bucket, key), version


def place(call: Call) -> Place:
    """Return bucket and object key of a request, from the host name (virtual-hosted style) and the path."""
    found = _HOST.fullmatch(call.host)
    path = call.path.removeprefix("/")
    if found and found["bucket"]:
        return Place(found["bucket"], path)
    bucket, _, key = path.partition("/")
    return Place(bucket, key)


def permissions(call: Call) -> list[Permission]:
    """Return the permissions that a request needs."""
    where = place(call)
    if not where.bucket:
        if call.method != "GET":
            raise UnknownCallError(f"the stand-in does not know the S3 call {call.method} without a bucket")
        return [Permission(action="s3:ListAllMyBuckets", resource="*")]
    about = [name for name in call.query if name in _SUB_RESOURCES]
    if len(about) > 1:
        raise UnknownCallError(f"the stand-in does not support several S3 sub-resources in one request: {about}")
    return list(_object(call, where, *about) if where.key else _bucket(call, where, *about))


def of_bucket(where: Place, action: str, keys: Mapping[str, str] | None = None) -> Permission:
    """Return the permission for an action on a bucket."""
    arn = f"arn:aws:s3:::{where.bucket}"
    return Permission(action=f"s3:{action}", resource=arn, guard="bucket", guarded=where.bucket, keys=keys or {})


def _of_object(where: Place, action: str, keys: Mapping[str, str] | None = None, *, item: str = "") -> Permission:
    arn = f"arn:aws:s3:::{where.bucket}/{where.key}"
    return Permission(
        action=f"s3:{action}", resource=arn, guard="bucket", guarded=where.bucket, keys=keys or {}, item=item
    )


def _bucket(call: Call, where: Place, about: str = "") -> Iterator[Permission]:
    if about == "delete" and call.method == "POST":
        yield from _deletes(call, where)
    elif about in _READ_WRITE:
        read, write, delete = _READ_WRITE[about]
        action = {"GET": read, "PUT": write, "DELETE": delete}.get(call.method)
        if not action:
            raise UnknownCallError(f"the stand-in does not know the S3 call {call.method} for a bucket's {about}")
        yield of_bucket(where, action, _listing(call))
    elif about:
        raise UnknownCallError(f"the stand-in does not know the sub-resource {about} of an S3 bucket")
    else:
        actions = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
        if call.method not in actions:
            raise UnknownCallError(f"the stand-in does not know the S3 call {call.method} for a bucket")
        yield of_bucket(where, actions[call.method], _listing(call))


def _listing(call: Call) -> dict[str, str]:
    return {f"s3:{name}": call.query[name] for name in ("prefix", "delimiter", "max-keys") if name in call.query}


def _deletes(call: Call, where: Place) -> Iterator[Permission]:
    document = xmltodict.parse(call.body, force_list=("Object",))
    for item in document["Delete"]["Object"]:
        version = item.get("VersionId")
        action = "DeleteObjectVersion" if version else "DeleteObject"
        keys = {"s3:versionid": version} if version else {}
        yield _of_object(Place(where.bucket, item["Key"]), action, keys, item=item["Key"])


def _object(call: Call, where: Place, about: str = "") -> Iterator[Permission]:
    action = _OBJECT.get((call.method, about))
    if action is None:
        part = f"the sub-resource {about} of an object" if about else "an object"
        raise UnknownCallError(f"the stand-in does not know the S3 call {call.method} for {part}")
    keys = {f"s3:{name}": call.headers[name] for name in _HEADERS if name in call.headers}
    if "versionId" in call.query:
        keys["s3:versionid"] = call.query["versionId"]
        action = action.replace("Object", "ObjectVersion") if action in _VERSIONED else action
    yield _of_object(where, action, keys)
    if call.method == "PUT" and about != "tagging" and "x-amz-tagging" in call.headers:
        yield _of_object(where, "PutObjectTagging", keys)
    if call.method == "PUT" and about != "acl" and "x-amz-acl" in call.headers:
        yield _of_object(where, "PutObjectAcl", keys)
    if "x-amz-copy-source" in call.headers:
        source, version = copy_source(call)
        yield _of_object(source, "GetObjectVersion" if version else "GetObject")
