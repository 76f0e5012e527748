import json
from dataclasses import replace
from typing import Any

import pytest

from tests.policy.judge import ABSENT, UNKNOWN, Asked, as_asked, changed, stack_violations, violations
from tests.program.stacks import recorded

ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::artifacts/*"}
TRUST: dict[str, Any] = {
    "Effect": "Allow",
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"},
    "Condition": {"StringEquals": {"oidc.example.com:sub": "system:serviceaccount:mlflow:mlflow"}},
}


def of_prod(name: str) -> Asked:
    """A resource of the example of AWS."""
    (found,) = [one for one in as_asked(recorded("prod"), "prod") if one.name == name]
    return found


def broken(name: str, path: str, value: object) -> Asked:
    asked = of_prod(name)
    return replace(asked, inputs=changed(asked.inputs, path, value))


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("bucket-public-access", "blockPublicAcls", False),
        ("bucket-public-access", "restrictPublicBuckets", ABSENT),
        ("bucket-encryption", "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256"),
        ("bucket-encryption", "rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId", ABSENT),
        ("bucket-versioning", "versioningConfiguration.status", "Suspended"),
        ("bucket-ownership", "rule.objectOwnership", "ObjectWriter"),
        ("bucket-policy", "policy", json.dumps({"Statement": []})),
        ("rds-instance", "storageEncrypted", False),
        ("rds-instance", "publiclyAccessible", True),
        ("rds-instance", "manageMasterUserPassword", ABSENT),
        ("rds-key", "enableKeyRotation", False),
        ("rds-from-sg-0123456789abcdef0", "cidrIpv4", "0.0.0.0/0"),
        ("rds-from-sg-0123456789abcdef0", "cidrIpv6", "::/0"),
    ],
)
def test_what_is_open_or_not_encrypted_is_a_violation(name: str, path: str, value: object) -> None:
    assert violations("aws-is-closed", of_prod(name)) == []
    assert len(violations("aws-is-closed", broken(name, path, value))) == 1
    if value is not ABSENT and not path.startswith("cidr"):
        assert violations("aws-is-closed", broken(name, path, UNKNOWN)) == []


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("rds-instance", "deletionProtection", False),
        ("rds-instance", "skipFinalSnapshot", True),
        ("rds-instance", "backupRetentionPeriod", 0),
    ],
)
def test_a_database_that_does_not_outlive_a_mistake_is_a_violation(name: str, path: str, value: object) -> None:
    assert violations("databases-are-durable", of_prod(name)) == []
    assert len(violations("databases-are-durable", broken(name, path, value))) == 1
    assert violations("databases-are-durable", broken(name, path, UNKNOWN)) == []


@pytest.mark.parametrize("name", ["rds-instance", "rds-key", "bucket-bucket", "bucket-key"])
def test_what_holds_data_at_aws_and_can_be_deleted_is_a_violation(name: str) -> None:
    bare = replace(of_prod(name), protect=False)
    assert violations("databases-are-durable", bare) == [
        "must be protected from deletion in stack prod: pass protect=True"
    ]
    assert violations("databases-are-durable", bare, {"disposableStacks": ["prod"]}) == []
    assert violations("databases-are-durable", replace(bare, profile="evaluation")) == []


@pytest.mark.parametrize(
    "name", ["bucket-public-access", "bucket-encryption", "bucket-versioning", "bucket-policy", "bucket-ownership"]
)
def test_a_bucket_without_one_of_its_guards_is_a_violation(name: str) -> None:
    resources = as_asked(recorded("prod"), "prod")
    assert stack_violations("buckets-are-guarded", resources) == []
    assert len(stack_violations("buckets-are-guarded", [one for one in resources if one.name != name])) == 1


def test_a_second_bucket_has_guards_of_its_own() -> None:
    other = replace(of_prod("bucket-bucket"), name="logs-bucket")
    assert len(stack_violations("buckets-are-guarded", [*as_asked(recorded("prod"), "prod"), other])) == 5


@pytest.mark.parametrize(("keys", "count"), [([], 0), (["cost-center"], 0), (["cost-center", "owner", "team"], 2)])
def test_a_provider_without_a_required_tag_is_a_violation(keys: list[str], count: int) -> None:
    found = violations("aws-is-tagged", of_prod("aws"), {"keys": keys})
    assert len(found) == count
    assert all(sentence.startswith("defaultTags: the tag ") for sentence in found)


@pytest.mark.parametrize(
    "tags", [UNKNOWN, {"tags": UNKNOWN}, {"tags": {"owner": UNKNOWN}}, json.dumps({"tags": {"owner": "x"}})]
)
def test_tags_may_be_json_or_not_decided_yet(tags: object) -> None:
    asked = Asked(type="pulumi:providers:aws", inputs={"defaultTags": tags})
    assert violations("aws-is-tagged", asked, {"keys": ["owner"]}) == []


@pytest.mark.parametrize("inputs", [{}, {"defaultTags": {"tags": {}}}, {"defaultTags": {"tags": {"owner": ""}}}])
def test_a_provider_without_tags_or_with_an_empty_one_is_a_violation(inputs: dict[str, Any]) -> None:
    asked = Asked(type="pulumi:providers:aws", inputs=inputs)
    assert len(violations("aws-is-tagged", asked, {"keys": ["owner"]})) == 1


def rights(*statements: dict[str, Any]) -> list[str]:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return violations(
        "rights-at-aws-are-least", Asked(type="aws:iam/rolePolicy:RolePolicy", inputs={"policy": document})
    )


def trust(statement: dict[str, Any]) -> list[str]:
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return violations("rights-at-aws-are-least", Asked(type="aws:iam/role:Role", inputs={"assumeRolePolicy": document}))


def test_rights_that_name_everything_are_none() -> None:
    assert rights(ALLOW) == []
    assert rights({**ALLOW, "Effect": "Deny", "Action": "*", "Resource": "*"}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "*"},
        {"Action": ["s3:GetObject", "s3:*"]},
        {"Action": "s3:Get*"},
        {"Resource": "*"},
        {"Resource": ["arn:aws:s3:::artifacts", "*"]},
        {"NotAction": "iam:*"},
        {"NotResource": "arn:aws:s3:::payroll"},
    ],
)
def test_rights_with_a_wildcard_are_a_violation(change: dict[str, Any]) -> None:
    assert len(rights(ALLOW, {**ALLOW, **change})) == 1


def test_a_role_for_one_service_account_is_none() -> None:
    assert trust(TRUST) == []


@pytest.mark.parametrize("change", [{"Condition": {}}, {"Principal": "*"}, {"Principal": {"AWS": "*"}}])
def test_a_role_for_everybody_is_a_violation(change: dict[str, Any]) -> None:
    assert len(trust({**TRUST, **change})) == 1


def test_a_document_that_is_not_known_yet_is_judged_by_the_deployment() -> None:
    asked = Asked(type="aws:iam/rolePolicy:RolePolicy", inputs={"policy": UNKNOWN})
    assert violations("rights-at-aws-are-least", asked) == []
