"""Rules for buckets, and for the resources that configure them."""

from collections.abc import Iterator, Mapping

from .aws import BUCKET
from .configuration import Schema
from .node import Node
from .resource import Resource

RETENTION: Mapping[str, Schema] = {
    "minimumDays": {
        "type": "integer",
        "description": "days for which deleted and overwritten objects must stay restorable",
        "minimum": 1,
        "default": 1,
    }
}
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LIFECYCLE_KIND = LIFECYCLE.rpartition(":")[2]
EXPIRATION = "noncurrentVersionExpiration for all objects"
# Resources that each bucket needs, with the problem if one is missing.
GUARDS = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "public access is not blocked",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "objects are unencrypted",
    "aws:s3/bucketVersioning:BucketVersioning": "deleted objects cannot be restored",
    "aws:s3/bucketPolicy:BucketPolicy": "requests without TLS are accepted",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "other accounts can own objects in the bucket",
}


def guarded(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Every bucket has the resources in `GUARDS`, such as a public access block, in the same component."""
    for bucket in (found for found in resources if found.type == BUCKET):
        beside = {found.type for found in _siblings(bucket, resources)}
        for kind, problem in GUARDS.items():
            if kind not in beside:
                yield f"{problem}: add a {kind.rpartition(':')[2]}", bucket


def retained(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """In every bucket, old versions of objects are deleted, but are kept for at least `minimumDays` (a parameter)."""
    for bucket in (found for found in resources if found.type == BUCKET):
        lifecycles = [found for found in _siblings(bucket, resources) if found.type == LIFECYCLE]
        if not any(_expires(found.inputs["rules"]) for found in lifecycles):
            yield f"old versions of its objects are never deleted: add a {LIFECYCLE_KIND} with {EXPIRATION}", bucket
        for found in lifecycles:
            for rule in found.inputs["rules"].each():
                days = rule.at("noncurrentVersionExpiration.noncurrentDays").value
                least: int = bucket.config["minimumDays"]
                if rule["status"].may_be("Enabled") and isinstance(days, int | float) and days < least:
                    yield f"noncurrentDays must be at least {least}: a deleted object is gone after {days:.0f}", found


def _expires(rules: Node) -> bool:
    """True if an enabled rule for all objects deletes old versions, or if that is not known yet."""
    return not rules.known or any(
        rule["status"].may_be("Enabled")
        and rule.at("noncurrentVersionExpiration.noncurrentDays").present
        and not any(condition.known and condition.value for _, condition in rule["filter"].items())
        for rule in rules.each()
    )


def _siblings(bucket: Resource, resources: list[Resource]) -> list[Resource]:
    """Resources of the same component."""
    return [found for found in resources if _component(found.urn) == _component(bucket.urn)]


def _component(urn: str) -> str:
    """A string that all resources of a component share: the types of their ancestors, and the component's name.

    Names of resources begin with the name of their component.
    """
    kinds, _, name = urn.rpartition("::")
    return f"{kinds.rpartition('$')[0]}::{name.partition('-')[0]}"
