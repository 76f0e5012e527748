"""Rules for AWS resources: encryption, no public access, backups, tags, and least privilege in IAM."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

from .configuration import Schema
from .node import Node
from .resource import Resource
from .stack import disposable

TAGS: Mapping[str, Schema] = {
    "keys": {
        "type": "array",
        "description": "keys of the tags that all AWS resources must have",
        "items": {"type": "string", "pattern": "\\S", "description": "key of a tag"},
        "default": [],
    }
}
PROVIDER = "pulumi:providers:aws"
BUCKET = "aws:s3/bucket:Bucket"
INSTANCE = "aws:rds/instance:Instance"
KEY = "aws:kms/key:Key"
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
    if disposable(resource):
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


def tagged(resource: Resource) -> Iterator[str]:
    """AWS providers add the tags in the parameter `keys` to everything that they create."""
    if resource.type != PROVIDER:
        return
    tags = _decoded(_decoded(resource.inputs["defaultTags"])["tags"])
    for key in resource.config["keys"]:
        tag = tags[key]
        if tag.known and not tag.text:
            yield f"defaultTags: the tag {key} is missing: add it for all resources of this provider"


def _decoded(node: Node) -> Node:
    """A value of a provider's configuration, which is JSON in a string."""
    return Node(json.loads(node.text)) if node.text else node


def _unlike(inputs: Node, expected: dict[str, object]) -> Iterator[str]:
    for path, value in expected.items():
        if not inputs.at(path).may_be(value):
            yield f"{path} must be {json.dumps(value)}"


def _too_much(statement: dict[str, object]) -> Iterator[str]:
    for key in ("NotAction", "NotResource", "NotPrincipal"):
        if key in statement:
            yield f"{key} allows everything except what it lists: list what is allowed instead"
    for action in _texts(statement.get("Action")):
        if "*" in action:
            yield f"the action {action} has a wildcard: list the actions"
    if "*" in _texts(statement.get("Resource")):
        yield "the resource * matches every resource: list the ARNs"
    if statement.get("Principal") == "*" or "*" in _principals(statement.get("Principal")):
        yield "the principal * allows everyone: list the principals"


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
