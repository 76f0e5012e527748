"""The AWS provider stand-in against a test server, called as the engine calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

import pytest
from botocore.exceptions import ClientError
from pulumi.runtime.proto import provider_pb2

from testbed.aws.server import Running, running
from testbed.providers.aws.clients import Clients, endpoint, from_environment
from testbed.providers.aws.provider import AwsProvider
from testbed.providers.aws.table import KINDS
from testbed.providers.protocol import ProviderError
from testbed.providers.values import UNKNOWN, Object, Secret, decode, encode, plain_object, text

BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
USER = "aws:iam/user:User"
ACCESS_KEY = "aws:iam/accessKey:AccessKey"
ROLE = "aws:iam/role:Role"
KEY = "aws:kms/key:Key"
GROUP = "aws:rds/parameterGroup:ParameterGroup"
INSTANCE = "aws:rds/instance:Instance"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
POD_IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
INSTANCE_INPUTS: Object = {
    "instanceClass": "db.m7g.large",
    "engine": "postgres",
    "engineVersion": "17",
    "allocatedStorage": 50,
    "storageType": "gp3",
    "username": "mlflow_admin",
    "manageMasterUserPassword": True,
    "deletionProtection": True,
    "applyImmediately": True,
    "performanceInsightsEnabled": True,
    "performanceInsightsRetentionPeriod": 7,
}


class Stack:
    """The engine's calls to a provider, for one resource at a time."""

    def __init__(self, provider: AwsProvider) -> None:
        self.provider = provider

    def check(self, kind: str, inputs: Object, olds: Object | None = None, name: str = "r") -> tuple[Object, list[str]]:
        """Check inputs; returns the completed inputs and the failures."""
        request = provider_pb2.CheckRequest(
            urn=_urn(kind, name), news=encode(inputs), olds=encode(olds or {}), randomSeed=name.encode()
        )
        answer = self.provider.check(request)
        return decode(answer.inputs), [f"{failure.property}: {failure.reason}" for failure in answer.failures]

    def create(self, kind: str, inputs: Object, name: str = "r") -> tuple[str, Object, Object]:
        """Create a resource; returns id, inputs and state."""
        checked, wrong = self.check(kind, inputs, name=name)
        assert not wrong
        request = provider_pb2.CreateRequest(urn=_urn(kind, name), properties=encode(checked))
        answer = self.provider.create(request)
        return answer.id, checked, decode(answer.properties)

    def diff(self, kind: str, state: Object, inputs: Object) -> provider_pb2.DiffResponse:
        """Compare a state with inputs."""
        return self.provider.diff(provider_pb2.DiffRequest(urn=_urn(kind), olds=encode(state), news=encode(inputs)))

    def read(self, kind: str, resource_id: str, state: Object, inputs: Object) -> Object | None:
        """Read a resource; None if it is gone."""
        answer = self.provider.read(
            provider_pb2.ReadRequest(urn=_urn(kind), id=resource_id, properties=encode(state), inputs=encode(inputs))
        )
        return decode(answer.properties) if answer.id else None

    def update(self, kind: str, resource_id: str, state: Object, inputs: Object) -> Object:
        """Update a resource in place; returns the state."""
        request = provider_pb2.UpdateRequest(urn=_urn(kind), id=resource_id, olds=encode(state), news=encode(inputs))
        return decode(self.provider.update(request).properties)

    def delete(self, kind: str, resource_id: str, state: Object) -> None:
        """Delete a resource."""
        self.provider.delete(provider_pb2.DeleteRequest(urn=_urn(kind), id=resource_id, properties=encode(state)))


def _urn(kind: str, name: str = "r") -> str:
    return f"urn:pulumi:dev::project::mlflow-platform:index:Bucket${kind}::{name}"


def _configured(*accounts: str, tags: Mapping[str, str] | None = None) -> AwsProvider:
    provider = AwsProvider()
    arguments: Object = {"region": "eu-central-1", "defaultTags": json.dumps({"tags": tags or {}})}
    if accounts:
        arguments["allowedAccountIds"] = json.dumps(accounts)
    provider.configure(provider_pb2.ConfigureRequest(args=encode(arguments)))
    return provider


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running() as found, pytest.MonkeyPatch.context() as patch:
        authority = tmp_path_factory.mktemp("aws") / "authority.pem"
        authority.write_text(found.authority_pem)
        for name, value in found.administrator.environment.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", found.tls_url)
        patch.setenv("AWS_CA_BUNDLE", str(authority))
        yield found


@pytest.fixture
def stack(aws: Running) -> Stack:
    assert aws.tls_url
    return Stack(_configured("123456789012", tags={"platform": "mlflow"}))


@pytest.fixture
def clients(aws: Running) -> Clients:
    assert aws.tls_url
    return from_environment("eu-central-1")


@pytest.mark.parametrize(
    "url", ["", "https://s3.amazonaws.com", "http://8.8.8.8:443", "http://10.0.0.1", "http://example.com"]
)
def test_it_connects_to_a_test_server_only(url: str) -> None:
    with pytest.raises(ProviderError, match="AWS_ENDPOINT_URL"):
        endpoint({"AWS_ENDPOINT_URL": url})
    for fine in ("http://127.0.0.1:5000", "https://localhost:1", "https://10.89.0.3"):
        assert endpoint({"AWS_ENDPOINT_URL": fine}) == fine


def test_another_account_is_refused_at_configuration(aws: Running) -> None:
    aws.forget_actions()
    with pytest.raises(ProviderError, match="AWS account ID not allowed: 123456789012"):
        _configured("999999999999")
    assert {entry.action for entry in aws.actions()} == {"sts:GetCallerIdentity"}


def test_a_generated_name_is_kept_and_has_a_longest_length(stack: Stack) -> None:
    first, _ = stack.check(BUCKET, {}, name="Artifacts")
    assert text(first, "bucket").startswith("artifacts-")
    assert len(text(first, "bucket")) == len("artifacts-") + 7
    kept, _ = stack.check(BUCKET, {}, first, name="Artifacts")
    assert kept["bucket"] == first["bucket"]
    given, _ = stack.check(BUCKET, {"bucket": "mine"}, first)
    assert given["bucket"] == "mine"
    _, wrong = stack.check(BUCKET, {}, name="a" * 60)
    assert "longer than 63" in wrong[0]
    identifier, _ = stack.check(INSTANCE, INSTANCE_INPUTS, name="db")
    assert text(identifier, "identifier").startswith("db")
    assert "-" not in text(identifier, "identifier")


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        (VERSIONING, {"bucket": "b"}, "Missing required argument: versioningConfiguration"),
        (VERSIONING, {"bucket": "b", "versioningConfiguration": {"status": "On"}}, "expected status"),
        (BUCKET, {"versioning": {}}, "does not support the input versioning"),
        (KEY, {"deletionWindowInDays": 31}, "range (7 - 30)"),
        (ROLE, {"assumeRolePolicy": "{"}, "invalid JSON policy"),
        (LIFECYCLE, {"bucket": "b", "rules": [{"status": "Enabled", "expiration": {"days": 0}}]}, "positive number"),
        (INSTANCE, INSTANCE_INPUTS | {"username": "admin"}, "reserved word"),
        (INSTANCE, INSTANCE_INPUTS | {"allocatedStorage": 10}, "gp3 volumes have at least 20"),
        (INSTANCE, INSTANCE_INPUTS | {"maxAllocatedStorage": 51}, "10 % more"),
        (INSTANCE, INSTANCE_INPUTS | {"performanceInsightsRetentionPeriod": 30}, "multiple of 31"),
        (INSTANCE, INSTANCE_INPUTS | {"password": "x"}, "conflicts with password"),
        (INSTANCE, INSTANCE_INPUTS | {"identifier": "a--b"}, "single hyphens"),
    ],
)
def test_inputs_that_are_invalid_without_asking_aws_are_refused_in_a_preview(
    stack: Stack, kind: str, inputs: Object, message: str
) -> None:
    _, wrong = stack.check(kind, inputs)
    assert any(message in one for one in wrong)


def test_unknown_inputs_are_not_validated(stack: Stack) -> None:
    checked, wrong = stack.check(BUCKET, {"tags": {"team": UNKNOWN}})
    assert not wrong
    assert checked["tagsAll"] == UNKNOWN
    _, wrong = stack.check(ROLE, {"assumeRolePolicy": UNKNOWN})
    assert not wrong


def test_a_preview_makes_no_call_and_marks_computed_properties_as_unknown(stack: Stack, aws: Running) -> None:
    checked, _ = stack.check(KEY, {})
    aws.forget_actions()
    request = provider_pb2.CreateRequest(urn=_urn(KEY), properties=encode(checked), preview=True)
    found = decode(stack.provider.create(request).properties)
    assert found["arn"] == UNKNOWN
    assert found["enableKeyRotation"] is False
    assert not aws.actions()


def test_a_bucket_and_its_settings_are_read_as_they_were_created(stack: Stack) -> None:
    bucket, inputs, state = stack.create(BUCKET, {"tags": {"a": "1"}}, "whole")
    assert state["tagsAll"] == {"a": "1", "platform": "mlflow"}
    assert state["tags"] == {"a": "1"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:*"],
                "Resource": f"arn:aws:s3:::{bucket}/*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    rules: Object = {
        "rules": [
            {
                "id": "u",
                "status": "Enabled",
                "filter": {},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
            },
            {"id": "t", "status": "Enabled", "transitions": [{"days": 30, "storageClass": "INTELLIGENT_TIERING"}]},
        ]
    }
    made: list[tuple[str, Object]] = [
        (VERSIONING, {"bucket": bucket, "versioningConfiguration": {"status": "Enabled"}}),
        (POLICY, {"bucket": bucket, "policy": json.dumps(policy, indent=2)}),
        (BLOCK, {"bucket": bucket, "blockPublicAcls": True}),
        (LIFECYCLE, {"bucket": bucket, **rules}),
    ]
    for kind, given in [(BUCKET, inputs), *made]:
        resource_id, checked, found = (bucket, inputs, state) if kind == BUCKET else stack.create(kind, given)
        assert stack.diff(kind, found, checked).changes == provider_pb2.DiffResponse.DIFF_NONE
        assert stack.read(kind, resource_id, found, checked) == found


def test_drift_shows_after_a_refresh(stack: Stack, clients: Clients) -> None:
    bucket, _, _ = stack.create(BUCKET, {}, "drift")
    resource_id, inputs, state = stack.create(
        VERSIONING, {"bucket": bucket, "versioningConfiguration": {"status": "Enabled"}}
    )
    clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert stack.diff(VERSIONING, state, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    found = stack.read(VERSIONING, resource_id, state, inputs)
    assert found is not None
    assert list(stack.diff(VERSIONING, found, inputs).detailedDiff) == ["versioningConfiguration"]
    assert stack.update(VERSIONING, resource_id, found, inputs) == state
    clients.s3.delete_bucket(Bucket=bucket)
    assert stack.read(VERSIONING, resource_id, state, inputs) is None


def test_a_replacement_deletes_first_if_the_program_names_the_resource(stack: Stack) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    _, _, state = stack.create(ROLE, {"assumeRolePolicy": trust, "name": "mine"})
    moved, _ = stack.check(ROLE, {"assumeRolePolicy": trust, "name": "mine", "path": "/new/"})
    answer = stack.diff(ROLE, state, moved)
    assert list(answer.replaces) == ["path"]
    assert answer.deleteBeforeReplace
    _, inputs, state = stack.create(ROLE, {"assumeRolePolicy": trust}, "drawn")
    moved, _ = stack.check(ROLE, {"assumeRolePolicy": trust, "path": "/new/"}, inputs, "drawn")
    assert not stack.diff(ROLE, state, moved).deleteBeforeReplace


def test_an_equivalent_policy_is_no_change(stack: Stack) -> None:
    one = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "pods.eks.amazonaws.com"}}
    written = json.dumps({"Version": "2012-10-17", "Statement": [one]})
    _, _, state = stack.create(ROLE, {"assumeRolePolicy": written}, "words")
    other = json.dumps({"Statement": {**one, "Action": ["sts:AssumeRole"]}, "Version": "2012-10-17"}, indent=1)
    inputs, _ = stack.check(ROLE, {"assumeRolePolicy": other, "name": state["name"]})
    assert stack.diff(ROLE, state, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_the_secret_of_an_access_key_is_marked_secret_and_kept(stack: Stack) -> None:
    user, _, _ = stack.create(USER, {}, "keys")
    resource_id, inputs, state = stack.create(ACCESS_KEY, {"user": user})
    assert isinstance(state["secret"], Secret)
    assert isinstance(state["sesSmtpPasswordV4"], Secret)
    assert stack.read(ACCESS_KEY, resource_id, state, inputs) == state
    stack.create(ACCESS_KEY, {"user": user})
    with pytest.raises(ProviderError, match="LimitExceeded"):
        stack.create(ACCESS_KEY, {"user": user})


def test_a_user_is_renamed_in_place(stack: Stack) -> None:
    resource_id, _, state = stack.create(USER, {"name": "before"})
    renamed, _ = stack.check(USER, {"name": "after"})
    assert not stack.diff(USER, state, renamed).replaces
    assert stack.update(USER, resource_id, state, renamed)["name"] == "after"


def test_new_default_tags_change_existing_resources_in_place(stack: Stack) -> None:
    resource_id, _, state = stack.create(KEY, {})
    other = Stack(_configured(tags={"platform": "other"}))
    inputs, _ = other.check(KEY, {})
    assert list(other.diff(KEY, state, inputs).detailedDiff) == ["tagsAll"]
    assert other.update(KEY, resource_id, state, inputs)["tagsAll"] == {"platform": "other"}


def test_a_key_whose_deletion_is_scheduled_is_gone(stack: Stack, clients: Clients) -> None:
    resource_id, inputs, state = stack.create(KEY, {"deletionWindowInDays": 7})
    stack.delete(KEY, resource_id, state)
    assert clients.kms.describe_key(KeyId=resource_id)["KeyMetadata"].get("KeyState") == "PendingDeletion"
    assert stack.read(KEY, resource_id, state, inputs) is None


def test_a_bucket_with_objects_is_deleted_only_after_force_destroy_was_set(stack: Stack, clients: Clients) -> None:
    bucket, _, state = stack.create(BUCKET, {}, "full")
    clients.s3.put_object(Bucket=bucket, Key="x", Body=b"x")
    with pytest.raises(ProviderError, match="BucketNotEmpty"):
        stack.delete(BUCKET, bucket, state)
    forced, _ = stack.check(BUCKET, {"forceDestroy": True, "bucket": bucket})
    stack.delete(BUCKET, bucket, stack.update(BUCKET, bucket, state, forced))
    with pytest.raises(ClientError):
        clients.s3.head_bucket(Bucket=bucket)
    stack.delete(BUCKET, bucket, state)


def test_a_database_is_protected_and_leaves_a_final_snapshot(stack: Stack, clients: Clients) -> None:
    resource_id, inputs, state = stack.create(INSTANCE, INSTANCE_INPUTS | {"finalSnapshotIdentifier": "last"}, "db")
    identifier = text(state, "identifier")
    assert text(state, "address").startswith(f"{identifier}.")
    assert "secretArn" in plain_object(cast("list[Object]", state["masterUserSecrets"])[0])
    assert state["performanceInsightsRetentionPeriod"] == 7
    assert stack.diff(INSTANCE, state, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    assert stack.read(INSTANCE, resource_id, state, inputs) == state
    with pytest.raises(ProviderError, match="deletion protection"):
        stack.delete(INSTANCE, resource_id, state)
    given = INSTANCE_INPUTS | {"identifier": identifier, "deletionProtection": False, "instanceClass": "db.m7g.xlarge"}
    opened, _ = stack.check(INSTANCE, given)
    state = stack.update(INSTANCE, resource_id, state, opened)
    with pytest.raises(ProviderError, match="final_snapshot_identifier is required"):
        stack.delete(INSTANCE, resource_id, state)
    stack.delete(INSTANCE, resource_id, state | {"finalSnapshotIdentifier": "last"})
    assert [one.get("DBInstanceClass", "") for one in clients.rds.describe_db_instances()["DBInstances"]] == []
    found = clients.rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [one.get("DBSnapshotIdentifier") for one in found] == ["last"]


def test_without_apply_immediately_a_change_waits(stack: Stack) -> None:
    given = INSTANCE_INPUTS | {"identifier": "waiting", "applyImmediately": False, "deletionProtection": False}
    resource_id, _, state = stack.create(INSTANCE, given)
    bigger, _ = stack.check(INSTANCE, given | {"instanceClass": "db.m7g.xlarge", "backupRetentionPeriod": 30})
    state = stack.update(INSTANCE, resource_id, state, bigger)
    assert state["instanceClass"] == "db.m7g.large"
    assert state["backupRetentionPeriod"] == 30
    stack.delete(INSTANCE, resource_id, state | {"skipFinalSnapshot": True})


def test_a_parameter_group_in_use_is_not_deleted(stack: Stack) -> None:
    parameters: Object = {"family": "postgres17", "parameters": [{"name": "rds.force_ssl", "value": "1"}]}
    group, inputs, group_state = stack.create(GROUP, parameters, "used")
    assert stack.diff(GROUP, group_state, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    given = INSTANCE_INPUTS | {"identifier": "user", "deletionProtection": False, "parameterGroupName": group}
    resource_id, _, state = stack.create(INSTANCE, given)
    with pytest.raises(ProviderError, match="still members"):
        stack.delete(GROUP, group, group_state)
    stack.delete(INSTANCE, resource_id, state | {"skipFinalSnapshot": True})
    stack.delete(GROUP, group, group_state)


def test_a_rule_with_a_security_group_as_source_is_read_as_it_was_created(stack: Stack, clients: Clients) -> None:
    vpc = clients.ec2.describe_vpcs()["Vpcs"][0].get("VpcId")
    group, inputs, state = stack.create(SECURITY_GROUP, {"vpcId": vpc}, "group")
    assert stack.read(SECURITY_GROUP, group, state, inputs) == state
    found = clients.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert not found.get("IpPermissionsEgress")
    given: Object = {"securityGroupId": group, "ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432}
    source: Object = {"referencedSecurityGroupId": group, "description": "the nodes"}
    resource_id, checked, state = stack.create(RULE, given | source)
    assert stack.diff(RULE, state, checked).changes == provider_pb2.DiffResponse.DIFF_NONE
    assert stack.read(RULE, resource_id, state, checked) == state
    _, wrong = stack.check(RULE, given | source | {"cidrIpv4": "10.0.0.0/8"})
    assert "exactly one" in wrong[0]
    stack.delete(RULE, resource_id, state)
    assert stack.read(RULE, resource_id, state, checked) is None


def test_a_resource_that_moto_does_not_support_is_named_in_the_error(stack: Stack) -> None:
    given: Object = {"clusterName": "c", "namespace": "n", "serviceAccount": "s", "roleArn": "arn:aws:iam::1:role/r"}
    with pytest.raises(ProviderError, match="only their preview"):
        stack.create(POD_IDENTITY, given)
    with pytest.raises(ProviderError, match="does not support aws:sns/topic:Topic"):
        stack.check("aws:sns/topic:Topic", {})


def test_every_type_is_listed_under_its_own_name() -> None:
    assert len(KINDS) == 24
    assert all(kind.token == token for token, kind in KINDS.items())
