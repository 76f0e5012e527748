"""The AWS stand-in as a server: signatures, policies and tokens are enforced in front of moto."""

from __future__ import annotations

import json
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from testbed.aws.issuer import Issuer
from testbed.aws.principals import REGION
from testbed.aws.server import Key, Running, StandInError, running

ISSUER = Issuer("https://issuer.example.com/id/ABC")
AUDIENCE = "sts.amazonaws.com"


class Account:
    """The running stand-in, with helpers to fill it."""

    def __init__(self, aws: Running, folder: Path) -> None:
        self.aws = aws
        self.authority = folder / "authority.pem"
        self.authority.write_text(aws.authority_pem)

    def client(self, service: str, key: Key | None = None, *, tls: bool = True) -> Any:  # noqa: ANN401 - made by boto3
        """Make a client with a key, by default the administrator's."""
        key = key or self.aws.administrator
        return cast("Any", boto3.client)(  # pyright: ignore[reportUnknownMemberType] - one overload for each service
            service,
            region_name=REGION,
            endpoint_url=self.aws.tls_url if tls else self.aws.url,
            verify=str(self.authority),
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=key.session_token or None,
        )

    def bucket(self, name: str, *keys: str) -> None:
        """Create a bucket with objects whose content is their name."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        for key in keys:
            s3.put_object(Bucket=name, Key=key, Body=key.encode())

    def user(self, name: str, *statements: dict[str, Any], boundary: str | None = None) -> Key:
        """Create a user with one policy; returns its key."""
        iam = self.client("iam")
        iam.create_user(UserName=name, **({"PermissionsBoundary": boundary} if boundary else {}))
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=written(*statements))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Key(access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])


def written(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: object, resource: object = "*", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def refused(call: Callable[..., Any], **arguments: object) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return cast("Any", caught.value).response["Error"]["Code"]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with tempfile.TemporaryDirectory() as folder, running() as aws:
        yield Account(aws, Path(folder))


def test_a_request_with_a_wrong_signature_is_refused(account: Account) -> None:
    administrator = account.aws.administrator
    wrong = Key(access_key_id=administrator.access_key_id, secret_access_key="wrong")  # noqa: S106 - not right, too
    unknown = Key(access_key_id="AKIAEXAMPLEEXAMPLE12", secret_access_key="x")  # noqa: S106 - of nobody
    assert refused(account.client("s3", wrong).list_buckets) == "SignatureDoesNotMatch"
    assert refused(account.client("s3", unknown).list_buckets) == "InvalidAccessKeyId"
    assert refused(account.client("iam", wrong).list_users) == "SignatureDoesNotMatch"


def test_an_inactive_key_is_refused(account: Account) -> None:
    key = account.user("inactive", allow("s3:*"))
    account.client("iam").update_access_key(UserName="inactive", AccessKeyId=key.access_key_id, Status="Inactive")
    assert refused(account.client("s3", key).list_buckets) == "InvalidAccessKeyId"


def test_a_user_stays_in_a_prefix(account: Account) -> None:
    account.bucket("prefixes", "a/1", "a/2", "b/1")
    key = account.user(
        "prefix",
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::prefixes/a/*"),
        allow("s3:ListBucket", "arn:aws:s3:::prefixes", Condition={"StringLike": {"s3:prefix": "a/*"}}),
    )
    s3 = account.client("s3", key)
    assert s3.list_objects_v2(Bucket="prefixes", Prefix="a/")["KeyCount"] == 2
    assert s3.get_object(Bucket="prefixes", Key="a/1")["Body"].read() == b"a/1"
    assert refused(s3.list_objects_v2, Bucket="prefixes") == "AccessDenied"
    assert refused(s3.list_objects_v2, Bucket="prefixes", Prefix="b/") == "AccessDenied"
    assert refused(s3.get_object, Bucket="prefixes", Key="b/1") == "AccessDenied"
    assert refused(s3.put_object, Bucket="prefixes", Key="b/2", Body=b"") == "AccessDenied"
    assert refused(s3.copy_object, Bucket="prefixes", Key="a/3", CopySource="prefixes/b/1") == "AccessDenied"
    assert refused(s3.list_buckets) == "AccessDenied"
    assert refused(s3.delete_bucket, Bucket="prefixes") == "AccessDenied"


def test_a_caller_who_may_not_list_a_bucket_does_not_learn_that_an_object_is_missing(account: Account) -> None:
    account.bucket("missing")
    key = account.user("missing", allow("s3:GetObject", "arn:aws:s3:::missing/*"))
    assert refused(account.client("s3", key).get_object, Bucket="missing", Key="x") == "AccessDenied"
    assert refused(account.client("s3").get_object, Bucket="missing", Key="x") == "NoSuchKey"


def test_a_deletion_of_many_objects_is_decided_for_each(account: Account) -> None:
    account.bucket("many", "a/1", "b/1")
    s3 = account.client("s3", account.user("many", allow("s3:DeleteObject", "arn:aws:s3:::many/a/*")))
    found = s3.delete_objects(Bucket="many", Delete={"Objects": [{"Key": "a/1"}, {"Key": "b/1"}]})
    assert [one["Key"] for one in found["Deleted"]] == ["a/1"]
    assert [(one["Key"], one["Code"]) for one in found["Errors"]] == [("b/1", "AccessDenied")]
    left = account.client("s3").list_objects_v2(Bucket="many")["Contents"]
    assert [one["Key"] for one in left] == ["b/1"]


def test_a_bucket_policy_can_refuse_requests_without_tls(account: Account) -> None:
    account.bucket("tls", "x")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::tls", "arn:aws:s3:::tls/*"],
    }
    policy = written({**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    account.client("s3").put_bucket_policy(Bucket="tls", Policy=policy)
    assert account.client("s3").get_object(Bucket="tls", Key="x")["Body"].read() == b"x"
    assert refused(account.client("s3", tls=False).get_object, Bucket="tls", Key="x") == "AccessDenied"
    assert refused(account.client("s3", tls=False).delete_bucket_policy, Bucket="tls") == "AccessDenied"


def test_a_presigned_url_allows_only_the_signed_request(account: Account) -> None:
    account.bucket("presigned", "x", "y")
    key = account.user("presigned", allow("s3:GetObject", "arn:aws:s3:::presigned/x"))

    def fetched(address: str) -> int:
        context = ssl.create_default_context(cafile=str(account.authority))
        try:
            with urllib.request.urlopen(address, context=context) as answer:  # noqa: S310 - an https address of ours
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def address(name: str) -> str:
        s3 = account.client("s3", key)
        return s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": name})

    assert fetched(address("x")) == 200
    assert fetched(address("y")) == 403
    assert fetched(address("x").replace("/x?", "/y?")) == 403
    assert fetched(f"{account.aws.tls_url}/presigned/x") == 403


def test_a_customer_managed_key_has_to_allow_the_request_too(account: Account) -> None:
    account.bucket("encrypted")
    arn = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
    account.client("s3").put_bucket_encryption(Bucket="encrypted", ServerSideEncryptionConfiguration={"Rules": [rule]})

    def use(name: str, *actions: str, service: str = "s3") -> Any:  # noqa: ANN401 - made by boto3
        via = {"StringEquals": {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}}
        more = [allow(list(actions), arn, Condition=via)] if actions else []
        return account.client("s3", account.user(name, allow("s3:*"), *more))

    write = use("write", "kms:GenerateDataKey")
    write.put_object(Bucket="encrypted", Key="x", Body=b"x")
    assert refused(write.get_object, Bucket="encrypted", Key="x") == "AccessDenied"
    assert use("read", "kms:Decrypt").get_object(Bucket="encrypted", Key="x")["Body"].read() == b"x"
    elsewhere = use("elsewhere", "kms:*", service="rds")
    assert refused(use("none").put_object, Bucket="encrypted", Key="x", Body=b"") == "AccessDenied"
    assert refused(elsewhere.put_object, Bucket="encrypted", Key="x", Body=b"") == "AccessDenied"
    upload = write.create_multipart_upload(Bucket="encrypted", Key="y")["UploadId"]
    part = {"Bucket": "encrypted", "Key": "y", "UploadId": upload, "PartNumber": 1, "Body": b"part"}
    assert refused(write.upload_part, **part) == "AccessDenied"


def test_a_permissions_boundary_limits_a_user(account: Account) -> None:
    account.bucket("bounded", "x")
    policy = account.client("iam").create_policy(PolicyName="reading", PolicyDocument=written(allow("s3:Get*")))
    key = account.user("bounded", allow("s3:*"), boundary=policy["Policy"]["Arn"])
    assert account.client("s3", key).get_object(Bucket="bounded", Key="x")["Body"].read() == b"x"
    assert refused(account.client("s3", key).put_object, Bucket="bounded", Key="x", Body=b"") == "AccessDenied"


@pytest.fixture(scope="module")
def role(account: Account) -> str:
    """ARN of a role for one service account."""
    iam, issuer = account.client("iam"), ISSUER.url.removeprefix("https://")
    account.aws.trust_issuer(ISSUER.url, ISSUER.keys)
    provider = iam.create_open_id_connect_provider(Url=ISSUER.url, ClientIDList=[AUDIENCE], ThumbprintList=["0" * 40])
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:sub": "system:serviceaccount:mlflow:mlflow",
                f"{issuer}:aud": AUDIENCE,
            }
        },
    }
    made = iam.create_role(
        RoleName="server", AssumeRolePolicyDocument=written(trust), Tags=[{"Key": "team", "Value": "a"}]
    )["Role"]["Arn"]
    own = allow("s3:GetObject", "arn:aws:s3:::roles/${aws:PrincipalTag/team}/*")
    iam.put_role_policy(RoleName="server", PolicyName="own", PolicyDocument=written(own))
    account.bucket("roles", "a/1", "b/1")
    return made


def _assumed(account: Account, role: str, token: str) -> Key:
    sts = account.client("sts")
    made = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="pod", WebIdentityToken=token)["Credentials"]
    return Key(
        access_key_id=made["AccessKeyId"],
        secret_access_key=made["SecretAccessKey"],
        session_token=made["SessionToken"],
    )


def test_a_pod_with_a_token_of_the_service_account_gets_its_role(account: Account, role: str) -> None:
    s3 = account.client("s3", _assumed(account, role, ISSUER.token("mlflow", "mlflow")))
    assert s3.get_object(Bucket="roles", Key="a/1")["Body"].read() == b"a/1"
    assert refused(s3.get_object, Bucket="roles", Key="b/1") == "AccessDenied"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (ISSUER.token("mlflow", "default"), "AccessDenied"),
        (ISSUER.token("team-a", "mlflow"), "AccessDenied"),
        (ISSUER.token("mlflow", "mlflow", audience=["mlflow"]), "InvalidIdentityToken"),
        (ISSUER.token("mlflow", "mlflow", audience=[AUDIENCE, "mlflow"]), "InvalidIdentityToken"),
        (ISSUER.token("mlflow", "mlflow", seconds=-1), "ExpiredTokenException"),
        (Issuer(ISSUER.url).token("mlflow", "mlflow"), "InvalidIdentityToken"),
        (Issuer("https://other.example.com").token("mlflow", "mlflow"), "InvalidIdentityToken"),
        ("no.token.atall", "InvalidIdentityToken"),
    ],
)
def test_no_other_token_gets_the_role(account: Account, role: str, token: str, code: str) -> None:
    call = account.client("sts").assume_role_with_web_identity
    assert refused(call, RoleArn=role, RoleSessionName="pod", WebIdentityToken=token) == code


def test_the_key_of_a_session_is_refused_without_its_token(account: Account, role: str) -> None:
    key = _assumed(account, role, ISSUER.token("mlflow", "mlflow"))
    without = Key(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key)
    assert refused(account.client("s3", without).get_object, Bucket="roles", Key="a/1") == "InvalidToken"


def test_pod_identity_tags_its_sessions(account: Account, role: str) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "mlflow"}},
    }
    iam = account.client("iam")
    made = iam.create_role(RoleName="pods", AssumeRolePolicyDocument=written(trust))["Role"]["Arn"]
    own = allow("s3:GetObject", "arn:aws:s3:::roles/${aws:PrincipalTag/kubernetes-service-account}/*")
    iam.put_role_policy(RoleName="pods", PolicyName="own", PolicyDocument=written(own))
    key = account.aws.pod_identity(role=made, cluster="c", namespace="mlflow", account="a")
    s3 = account.client("s3", key)
    assert s3.get_object(Bucket="roles", Key="a/1")["Body"].read() == b"a/1"
    assert refused(s3.get_object, Bucket="roles", Key="b/1") == "AccessDenied"
    with pytest.raises(StandInError, match="sts:AssumeRole"):
        account.aws.pod_identity(role=made, cluster="c", namespace="team-a", account="a")
    with pytest.raises(StandInError, match="sts:AssumeRole"):
        account.aws.pod_identity(role=role, cluster="c", namespace="mlflow", account="a")


def test_requests_that_moto_accepts_and_aws_refuses_are_refused(account: Account) -> None:
    account.bucket("valid")
    s3, iam = account.client("s3"), account.client("iam")
    everybody = {**allow("s3:GetObject", "arn:aws:s3:::valid/*"), "Principal": "*"}
    nobody = {**everybody, "Principal": {"AWS": "arn:aws:iam::123456789012:user/nobody"}}
    assert refused(s3.put_bucket_policy, Bucket="valid", Policy="{}") == "MalformedPolicy"
    assert refused(s3.put_bucket_policy, Bucket="valid", Policy=written(nobody)) == "MalformedPolicy"
    s3.put_public_access_block(Bucket="valid", PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    assert refused(s3.put_bucket_policy, Bucket="valid", Policy=written(everybody)) == "AccessDenied"
    s3.put_bucket_ownership_controls(
        Bucket="valid", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    code = refused(s3.put_object, Bucket="valid", Key="x", Body=b"", ACL="public-read")
    assert code == "AccessControlListNotSupported"
    iam.create_user(UserName="valid")
    long = written(*(allow("s3:GetObject", f"arn:aws:s3:::bucket-number-{number}/*") for number in range(30)))
    assert refused(iam.put_user_policy, UserName="valid", PolicyName="x", PolicyDocument=long) == "LimitExceeded"
    odd = written(allow("s3:*", Condition={"StringMatches": {"s3:prefix": "x"}}))
    code = refused(iam.put_user_policy, UserName="valid", PolicyName="x", PolicyDocument=odd)
    assert code == "MalformedPolicyDocument"


def test_a_request_without_a_known_action_is_a_fault(account: Account) -> None:
    account.bucket("unknown")
    assert refused(account.client("s3").get_bucket_accelerate_configuration, Bucket="unknown") == "StandInFault"


def test_every_action_is_logged_with_its_verdict(account: Account) -> None:
    account.bucket("logged", "x")
    key = account.user("logged", allow("s3:GetObject", "arn:aws:s3:::logged/*"))
    account.aws.forget_actions()
    account.client("s3", key).get_object(Bucket="logged", Key="x")
    assert refused(account.client("s3", key, tls=False).delete_object, Bucket="logged", Key="x") == "AccessDenied"
    found = [(entry.action, entry.resource, entry.verdict, entry.secure) for entry in account.aws.actions()]
    assert found == [
        ("s3:GetObject", "arn:aws:s3:::logged/x", "allow", True),
        ("s3:DeleteObject", "arn:aws:s3:::logged/x", "implicit deny", False),
    ]
    assert {entry.caller for entry in account.aws.actions()} == {"arn:aws:iam::123456789012:user/logged"}


def test_enforcement_can_be_switched_off(account: Account) -> None:
    account.bucket("open", "x")
    key = account.user("open")
    assert refused(account.client("s3", key).get_object, Bucket="open", Key="x") == "AccessDenied"
    account.aws.enforce(on=False)
    try:
        assert account.client("s3", key).get_object(Bucket="open", Key="x")["Body"].read() == b"x"
    finally:
        account.aws.enforce(on=True)
