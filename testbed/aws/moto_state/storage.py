"""S3 buckets, KMS keys and Secrets Manager secrets in moto's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from moto.kms.models import kms_backends
from moto.s3.models import FakeBucket, S3Backend, s3_backends
from moto.secretsmanager.models import secretsmanager_backends

from testbed.aws.principals import ACCOUNT


def s3() -> S3Backend:
    """Return moto's S3 backend."""
    return s3_backends[ACCOUNT]["aws"]


def disable_bucket_policies() -> None:
    """Disable moto's own evaluation of bucket policies: it ignores their conditions."""
    FakeBucket.get_permission = lambda self, action, resource: None  # noqa: ARG005 - moto's signature


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """A secret of Secrets Manager: its ARN, and the id of its KMS key if one was chosen."""

    arn: str
    key: str | None


def secret(name: str, region: str) -> KeptSecret | None:
    """Return a secret by its name or ARN; None if it does not exist."""
    found: Any = secretsmanager_backends[ACCOUNT][region].secrets.get(name)
    return None if found is None else KeptSecret(str(found.arn), found.kms_key_id)


def bucket(name: str) -> FakeBucket | None:
    """Return a bucket; None if it does not exist."""
    found: FakeBucket | None = s3().buckets.get(name)
    return found


def bucket_policy(name: str) -> str | None:
    """Return a bucket's policy; None if the bucket or its policy does not exist."""
    found: Any = bucket(name)
    return found.policy.decode() if found is not None and found.policy else None


def region_of(name: str) -> str | None:
    """Return the region of a bucket; None if the bucket does not exist."""
    found = bucket(name)
    return None if found is None else found.region_name


def _encryption(name: str) -> dict[str, Any]:
    found = bucket(name)
    return (found.encryption or {}).get("Rule", {}) if found is not None else {}


def default_key(name: str) -> str | None:
    """Return the default KMS key of a bucket; None if the bucket has none."""
    return _encryption(name).get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")


def has_bucket_key(name: str) -> bool:
    """True if the S3 Bucket Key is enabled for a bucket."""
    return str(_encryption(name).get("BucketKeyEnabled", "false")).lower() == "true"


def object_key(name: str, key: str, version: str | None) -> str | None:
    """Return the KMS key of an object; None if the object does not exist or has no KMS key."""
    found: Any = s3().get_object(name, key, version_id=version)
    return None if found is None else found.kms_key_id


def upload_key(name: str, upload: str) -> str | None:
    """Return the KMS key of a multipart upload; None if the upload does not exist or has no KMS key."""
    found: Any = bucket(name)
    started = found.multiparts.get(upload) if found is not None else None
    return None if started is None else started.kms_key_id


def key_arn(name: str, region: str) -> str | None:
    """Return the ARN of a KMS key by its id, ARN or alias; None for an AWS managed key or an unknown one."""
    backend: Any = kms_backends[ACCOUNT][region]
    if name.rpartition("alias/")[2].startswith("aws/"):
        return None
    try:
        return str(backend.describe_key(name).arn)
    except KeyError:
        return None


def key_policy(arn: str) -> str:
    """Return the key policy of a KMS key."""
    return str(kms_backends[ACCOUNT][arn.split(":")[3]].get_key_policy(arn))


BLOCKS: Final = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")


def public_access_block(name: str) -> frozenset[str]:
    """Return the Block Public Access settings that are on for a bucket."""
    block: Any = getattr(bucket(name), "public_access_block", None)
    return frozenset(one for one in BLOCKS if block is not None and getattr(block, one))


def owner_enforced(name: str) -> bool:
    """True if a bucket's access control lists are disabled."""
    found: Any = bucket(name)
    return found is not None and "BucketOwnerEnforced" in str(found.ownership_rule)
