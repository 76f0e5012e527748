"""The `prod` stack on the AWS stand-in: real engine, real cluster, enforced IAM policies, TLS everywhere.

The committed stack file is used, with replacements for what a test machine lacks: a DNS name, a company's login,
a registry, and three dozen CPUs. docs/aws.md says what this shows and what it cannot show.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from testbed.e2e import deployment, kube, variant
from testbed.e2e.amazon import Amazon, amazon
from testbed.e2e.commands import CHECKOUT, run
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from tools.stack import Platform

pytestmark = pytest.mark.chapters
KEY = "mlflow-platform:"
KEPT = {"aws:s3/bucket:Bucket", "aws:kms/key:Key", "aws:rds/instance:Instance"}


def _config(file: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((CHECKOUT / file).read_text(encoding="utf-8"))["config"])


def _changes(there: Amazon, *, rotation: int = 1) -> dict[str, Any]:
    """The committed stack file of `prod`, on this machine."""
    prod, dev = _config("Pulumi.prod.yaml"), _config("Pulumi.dev.yaml")
    aws = prod[f"{KEY}aws"] | {"identity": {"kind": "irsa", "oidcProvider": there.oidc_provider}}
    database = prod[f"{KEY}database"] | {
        "vpc": there.vpc,
        "subnets": there.subnets,
        "clientSecurityGroups": [there.security_group],
        "authority": there.aws.authority_pem,
        "passwordRotation": rotation,
    }
    return (
        prod
        | {key: dev[key] for key in (f"{KEY}host", f"{KEY}certificate", f"{KEY}teams")}
        | variant.changes_of("basic")
        | {
            f"{KEY}profile": "small",
            f"{KEY}cluster": {"authorities": there.aws.authority_pem},
            f"{KEY}aws": aws,
            f"{KEY}database": database,
            f"{KEY}server": dev[f"{KEY}server"] | {"cpu": "100m", "workers": 1},
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prod")


@pytest.fixture(scope="module")
def there(folder: Path) -> Iterator[Amazon]:
    with amazon(folder) as found, pytest.MonkeyPatch.context() as patch:
        for name, value in found.environment.items():
            patch.setenv(name, value)
        yield found


@pytest.fixture(scope="module")
def prod(there: Amazon, folder: Path) -> Iterator[Platform]:
    try:
        yield variant.deploy(folder, _changes(there))
    finally:
        # As docs/destroy.md says; what is left over goes with the equipment, and so must not stay in the state.
        _give_up_protection(there)
        variant.restore()


def _give_up_protection(there: Amazon) -> None:
    run("pulumi", "state", "unprotect", "--all", "--yes", "--stack=dev")
    rds = there.client("rds")
    for instance in rds.describe_db_instances()["DBInstances"]:
        identifier = instance["DBInstanceIdentifier"]
        rds.modify_db_instance(DBInstanceIdentifier=identifier, DeletionProtection=False, ApplyImmediately=True)


def _resources() -> Mapping[str, dict[str, Any]]:
    return {resource["urn"]: resource for resource in deployment.state()["resources"]}


def _server_pods(platform: Platform) -> set[str]:
    pods = kube.objects("pods", f"--namespace={platform.namespace}", "--selector=app.kubernetes.io/name=mlflow")
    return {pod["metadata"]["uid"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


def test_the_published_client_logs_reads_back_and_registers(
    prod: Platform, there: Amazon, folder: Path, figures: Figures
) -> None:
    there.aws.forget_actions()
    project = Client.of(prod, folder).script("first_project", team="team-a")
    assert project["points"] == project["expected_points"]
    assert project["digest_that_came_back"] == project["sent_digest"]
    assert project["champion_version"] == project["version"]
    figures.add("prod on AWS: the client's first project", sum(project["seconds"].values()))


def test_the_server_reaches_its_bucket_by_its_role_and_over_tls_alone(prod: Platform, there: Amazon) -> None:
    asked = [entry for entry in there.aws.actions() if ":assumed-role/server-identity" in entry.caller]
    assert {"s3:PutObject", "s3:GetObject", "kms:GenerateDataKey", "kms:Decrypt"} <= {entry.action for entry in asked}
    assert {entry.verdict for entry in asked} == {"allow"}
    assert all(entry.secure for entry in asked)
    assert prod.namespace == "mlflow"


def test_its_objects_lie_in_the_teams_prefix_under_the_platforms_key(prod: Platform, there: Amazon) -> None:
    s3 = there.client("s3")
    bucket = s3.list_buckets()["Buckets"][0]["Name"]
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert all(key.startswith("workspaces/team-a/") for key in keys)
    head = s3.head_object(Bucket=bucket, Key=keys[0])
    assert head["ServerSideEncryption"] == "aws:kms"
    assert prod.namespace == "mlflow"


def test_a_second_deployment_and_a_look_at_aws_change_nothing(prod: Platform, there: Amazon, folder: Path) -> None:
    variant.expect_no_changes(folder, _changes(there))
    file = f"--config-file={folder / 'Pulumi.variant.yaml'}"
    run("pulumi", "preview", "--refresh", "--expect-no-changes", "--stack=dev", "--non-interactive", file, seconds=420)
    assert prod.namespace == "mlflow"


def test_a_new_database_password_changes_what_uses_it_and_nothing_at_aws(
    prod: Platform, there: Amazon, folder: Path
) -> None:
    before, pods = _resources(), _server_pods(prod)
    variant.deploy(folder, _changes(there, rotation=2))
    after = _resources()
    changed = {
        resource["type"]
        for urn, resource in after.items()
        if resource.get("outputs") != before.get(urn, {}).get("outputs") and resource["type"].startswith("aws:")
    }
    assert not changed
    assert pods
    assert _server_pods(prod)
    assert not pods & _server_pods(prod)
    assert Client.of(prod, folder).script("first_project", team="team-a")["points"]


def test_destroying_is_refused_before_anything_is_deleted(prod: Platform, there: Amazon) -> None:
    before = set(_resources())
    there.aws.forget_actions()
    refused = run(
        "pulumi", "destroy", "--yes", "--stack=dev", "--non-interactive", seconds=variant.UP_SECONDS, expected=None
    )
    assert refused.code != 0
    assert "protected" in refused.said
    assert set(_resources()) == before
    assert not [entry for entry in there.aws.actions() if ":Delete" in entry.action]
    assert prod.namespace == "mlflow"


def test_giving_it_up_leaves_the_bucket_a_last_snapshot_and_the_keys(prod: Platform, there: Amazon) -> None:
    kept = [resource["id"] for resource in _resources().values() if resource["type"] in KEPT]
    assert len(kept) >= len(KEPT)
    _give_up_protection(there)
    variant.restore()
    s3, rds, kms = there.client("s3"), there.client("rds"), there.client("kms")
    bucket = s3.list_buckets()["Buckets"][0]["Name"]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] > 0
    assert not rds.describe_db_instances()["DBInstances"]
    names = [found["DBSnapshotIdentifier"] for found in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]]
    assert [name for name in names if name.startswith("mlflow-")]
    states = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"]]
    assert states.count("Enabled") >= 2
    assert not [
        key
        for key in json.loads(run("pulumi", "stack", "export").stdout)["deployment"]["resources"]
        if key["type"] in KEPT
    ]
    assert prod.namespace == "mlflow"
