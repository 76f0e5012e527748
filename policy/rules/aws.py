"""Rules for AWS resources: encryption, no public access, backups, and least privilege in IAM."""

import json
from collections.abc import Iterator
from typing import cast

from pulumi_policy import PolicyConfigSchema

from .node import Node
from .resource import Resource
from .stack import DISPOSABLE, PROTECTION_CONFIG

CONFIG: PolicyConfigSchema = PROTECTION_CONFIG
BUCKET = "aws:s3/bucket:Bucket"
INSTANCE = "aws:rds/instance:Instance"
KEY = "aws:kms/key:Key"
# Resources that each bucket needs, with the problem if one is missing.
GUARDS = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "public access is not blocked",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "objects are unencrypted",
    "aws:s3/bucketVersioning:BucketVersioning": "deleted objects cannot be restored",
    "aws:s3/bucketPolicy:BucketPolicy": "requests without TLS are accepted",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "other accounts can own objects in the bucket",
}
# Required inputs by the last part of the resource type.
EXPECTED: dict[str, dict[str, object]] = {
    "BucketPublicAccessBlock": dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
    ),
    "BucketVersioning": {"versioningConfiguration.status": "Enabled"},
    "BucketOwnershipControls": {"rule.objectOwnership": "BucketOwnerEnforced"},
    # A password from the program would be in the Pulumi state.
    "Instance": {"storageEncrypted": True, "publiclyAccessible": False, "manageMasterUserPassword": True},
    "Key": {"enableKeyRotation": True},
}
# Required inputs of an instance, except in disposable stacks.
KEPT: dict[str, object] = {"deletionProtection": True, "skipFinalSnapshot": False}
# IAM resource types, with the input that holds the policy document.
DOCUMENTS = {
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/userPolicy:UserPolicy": "policy",
    "aws:iam/policy:Policy": "policy",
    "aws:iam/role:Role": "assumeRolePolicy",
}


def guarded(resources: list[Resource]) -> Iterator[tuple[str, str]]:
    """Every bucket has the resources in `GUARDS`, such as a public access block, in the same component."""
    for bucket in (found for found in resources if found.type == BUCKET):
        beside = {found.type for found in resources if _parent(found.urn) == _parent(bucket.urn)}
        for kind, problem in GUARDS.items():
            if kind not in beside:
                yield f"{problem}: add a {kind.rpartition(':')[2]}", bucket.urn


def closed(resource: Resource) -> Iterator[str]:
    """Buckets, databases and KMS keys have safe settings, and no security group allows all addresses."""
    inputs, kind = resource.inputs, resource.type.rpartition(":")[2]
    if not resource.type.startswith("aws:"):
        return
    yield from _unlike(inputs, EXPECTED.get(kind, {}))
    if kind == "BucketServerSideEncryptionConfiguration":
        for rule in inputs["rules"].each():
            default = rule["applyServerSideEncryptionByDefault"]
            if not default["sseAlgorithm"].may_be("aws:kms") or not default["kmsMasterKeyId"].present:
                yield "must encrypt with aws:kms and a customer managed key"
    if kind == "BucketPolicy" and inputs["policy"].text and not any(map(_demands_tls, _statements(inputs["policy"]))):
        yield "must deny requests without TLS (aws:SecureTransport)"
    if inputs["cidrIpv4"].is_surely("0.0.0.0/0") or inputs["cidrIpv6"].is_surely("::/0"):
        yield "allows all addresses: allow a security group instead"


def durable(resource: Resource) -> Iterator[str]:
    """Databases, buckets and KMS keys are protected from deletion, and databases have backups."""
    if resource.stack in resource.config.get("disposableStacks", DISPOSABLE):
        return
    if resource.type == INSTANCE:
        yield from _unlike(resource.inputs, KEPT)
        days = resource.inputs["backupRetentionPeriod"]
        if not days.present or days.is_surely(0):
            yield "backupRetentionPeriod must be at least 1"
    if resource.type in {BUCKET, INSTANCE, KEY} and not resource.protected:
        yield f"must be protected from deletion in stack {resource.stack}: pass protect=True"


def least(resource: Resource) -> Iterator[str]:
    """IAM policies list specific actions, resources and principals, and trust policies have conditions."""
    kind = DOCUMENTS.get(resource.type)
    for statement in _statements(resource.inputs[kind]) if kind else []:
        if statement.get("Effect") == "Allow":
            yield from _too_much(statement)
            if kind == "assumeRolePolicy" and not statement.get("Condition"):
                yield "trusts every pod in the cluster: add a condition on the service account"


def _unlike(inputs: Node, expected: dict[str, object]) -> Iterator[str]:
    for path, value in expected.items():
        if not inputs.at(path).may_be(value):
            yield f"{path} must be {json.dumps(value)}"


def _too_much(statement: dict[str, object]) -> Iterator[str]:
    for key in ("NotAction", "NotResource", "NotPrincipal"):
        if key in statement:
            yield f"{key} allows everything that it does not list: list what is allowed"
    for action in _texts(statement.get("Action")):
        if "*" in action:
            yield f"the action {action} has a wildcard: list the actions"
    if "*" in _texts(statement.get("Resource")):
        yield "the resource * matches every resource: list the ARNs"
    if statement.get("Principal") == "*" or "*" in _principals(statement.get("Principal")):
        yield "the principal * allows everyone: list the principals"


def _parent(urn: str) -> str:
    """A string that all resources of a component share: the types of their ancestors, and the component's name.

    Names of resources begin with the name of their component.
    """
    kinds, _, name = urn.rpartition("::")
    return f"{kinds.rpartition('$')[0]}::{name.partition('-')[0]}"


def _statements(node: Node) -> list[dict[str, object]]:
    """Statements of a policy document; none if the document is absent or unknown."""
    if not node.text:
        return []
    found = json.loads(node.text).get("Statement", [])
    return cast("list[dict[str, object]]", found if isinstance(found, list) else [found])


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in cast("list[object]", value or [])]


def _principals(value: object) -> list[str]:
    named = list(cast("dict[str, object]", value).values()) if isinstance(value, dict) else []
    return [text for item in named for text in _texts(item)]


def _demands_tls(statement: dict[str, object]) -> bool:
    condition = cast("dict[str, dict[str, object]]", statement.get("Condition") or {})
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") == "*"
        and "s3:*" in _texts(statement.get("Action"))
        and condition.get("Bool", {}).get("aws:SecureTransport") == "false"
    )
