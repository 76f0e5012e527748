from dataclasses import replace

import pytest

from components.aws.bucket import Bucket, BucketArgs, lifecycle
from components.aws.rds import Rds, RdsArgs, parameters
from tests.cloud import ACCOUNT, administrator_secret, autoname
from tests.harness import Recording, deploy

KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/12345678"
BUCKET = BucketArgs(bucket=None, key=None, noncurrent_days=30, abort_days=7, tiering_days=None, durable=True)
RDS = RdsArgs(
    administrator="administrator",
    instance_class="db.m7g.large",
    storage=100,
    max_storage=200,
    multi_az=True,
    backup_days=14,
    backup_window="01:00-02:00",
    maintenance_window="sun:03:00-sun:04:00",
    key=None,
    vpc="vpc-1",
    subnets=("subnet-1", "subnet-2"),
    client_security_groups=("sg-1", "sg-2"),
    insights_days=7,
    max_connections=None,
    durable=True,
)


def bucket(**changes: object) -> Recording:
    def program() -> dict[str, object]:
        component = Bucket("bucket", replace(BUCKET, **changes))  # type: ignore[arg-type] - a test's shorthand
        return {"name": component.name, "arn": component.arn, "key": component.key}

    return deploy(program)


def rds(**changes: object) -> Recording:
    def program() -> dict[str, object]:
        component = Rds("rds", replace(RDS, **changes))  # type: ignore[arg-type] - a test's shorthand
        return {"host": component.host, "secret": component.administrator_secret, "key": component.key}

    return deploy(program)


def test_a_bucket_is_encrypted_by_a_new_key_or_an_existing_one() -> None:
    own = bucket()
    assert own.exports["key"] == f"arn:aws:key::{ACCOUNT}:{autoname('bucket-key')}"
    assert own["bucket-key"].inputs["enableKeyRotation"] is True
    given = bucket(key=KEY)
    assert given.exports["key"] == KEY
    assert given.of("aws.Key") == []
    for got in (own, given):
        (rule,) = got["bucket-encryption"].inputs["rules"]
        assert rule["applyServerSideEncryptionByDefault"] == {
            "sseAlgorithm": "aws:kms",
            "kmsMasterKeyId": got.exports["key"],
        }
        assert rule["bucketKeyEnabled"] is True


def test_a_bucket_keeps_what_was_deleted_for_a_while_and_no_unfinished_upload() -> None:
    uploads, deleted, tiering = lifecycle(noncurrent_days=30, abort_days=7, tiering_days=60)
    assert uploads.get("abort_incomplete_multipart_upload") == {"days_after_initiation": 7}
    assert deleted.get("noncurrent_version_expiration") == {"noncurrent_days": 30}
    assert deleted.get("expiration") == {"expired_object_delete_marker": True}
    assert tiering.get("transitions") == [{"days": 60, "storage_class": "INTELLIGENT_TIERING"}]
    assert len(lifecycle(noncurrent_days=30, abort_days=7, tiering_days=None)) == 2


@pytest.mark.parametrize("durable", [True, False])
def test_the_settings_of_a_bucket_are_retained_as_long_as_the_bucket(durable: bool) -> None:  # noqa: FBT001 - a case
    resources = [resource for resource in bucket(durable=durable) if resource.custom]
    assert len(resources) == 8
    assert {(resource.protect, resource.retain) for resource in resources} == {(durable, durable)}


def test_a_database_is_encrypted_and_reachable_from_the_cluster_only() -> None:
    got = rds()
    instance = got["rds-instance"].inputs
    assert instance["storageEncrypted"] is True
    assert instance["publiclyAccessible"] is False
    assert {instance[f"{use}KmsKeyId"] for use in ("masterUserSecret", "performanceInsights")} == {got.exports["key"]}
    assert instance["kmsKeyId"] == got.exports["key"]
    rules = got.of("aws.SecurityGroupIngressRule")
    assert {rule.inputs["referencedSecurityGroupId"] for rule in rules} == {"sg-1", "sg-2"}
    assert {(rule.inputs["fromPort"], rule.inputs["toPort"], rule.inputs["ipProtocol"]) for rule in rules} == {
        (5432, 5432, "tcp")
    }
    assert "ingress" not in got["rds-firewall"].inputs
    assert got.of("aws.SecurityGroupEgressRule") == []


def test_a_database_accepts_tls_only_and_the_configured_number_of_connections() -> None:
    assert parameters(None) == [{"name": "rds.force_ssl", "value": "1", "apply_method": "immediate"}]
    assert parameters(300)[1] == {"name": "max_connections", "value": "300", "apply_method": "pending-reboot"}
    assert rds()["rds-parameters"].inputs["family"] == "postgres17"


def test_the_program_never_has_the_administrators_password() -> None:
    got = rds()
    assert got["rds-instance"].inputs["manageMasterUserPassword"] is True
    assert "password" not in got["rds-instance"].inputs
    assert got.exports["secret"] == administrator_secret("rds-instance")
    assert got.secret_values == frozenset()


def test_a_durable_database_is_protected_and_leaves_a_snapshot_and_its_key() -> None:
    got = rds()
    instance = got["rds-instance"]
    assert instance.protect
    # Retained at AWS it would keep its security group in use, which then could not be deleted.
    assert not instance.retain
    assert instance.inputs["deletionProtection"] is True
    assert instance.inputs["skipFinalSnapshot"] is False
    assert instance.inputs["deleteAutomatedBackups"] is False
    assert instance.inputs["finalSnapshotIdentifier"].startswith("mlflow-rds-")
    assert (got["rds-key"].protect, got["rds-key"].retain) == (True, True)


def test_another_instance_leaves_another_snapshot() -> None:
    assert rds()["rds-snapshot"].inputs["keepers"] != rds(key=KEY)["rds-snapshot"].inputs["keepers"]


def test_an_evaluations_database_can_be_deleted() -> None:
    got = rds(durable=False)
    instance = got["rds-instance"]
    assert not instance.protect
    assert instance.inputs["deletionProtection"] is False
    assert instance.inputs["skipFinalSnapshot"] is True


def test_performance_insights_can_be_turned_off() -> None:
    instance = rds(insights_days=0)["rds-instance"].inputs
    assert instance["performanceInsightsEnabled"] is False
    assert not {"performanceInsightsRetentionPeriod", "performanceInsightsKmsKeyId"} & instance.keys()
