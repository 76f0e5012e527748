"""The AWS stand-in with the resources of the stack `prod` (with direct access), to test permissions.

Bucket, keys and secrets are created first, because the policies name them; then roles, users and policies, exactly as
the program registers them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import boto3
from botocore.config import Config

from testbed.aws.issuer import Issuer
from testbed.aws.server import REGION, Key, Running
from tests.cloud import administrator_secret, autoname
from tests.harness import Recording
from tests.program.stacks import SECRETS, run, stack_file

BUCKET, OTHER_BUCKET = "mlflow-artifacts-of-prod", "payroll"
CLUSTER = "prod"
# One attempt: a refusal is an answer. Path-style: the server has no name for each bucket.
CONFIG = Config(
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
TEAMS = ("research", "pricing")
# Owners of the files that exist before the tests.
OWNERS = (*TEAMS, "research-2")


@dataclass
class World:
    """The stand-in, with clients and credentials."""

    aws: Running
    directory: Path
    issuer: Issuer
    key: str = ""
    """ARN of the key that encrypts bucket and secret."""

    other_key: str = ""
    secret: str = ""
    """ARN of the administrator's secret."""

    versions: dict[str, str] = field(default_factory=dict[str, str])
    """Version of each file that exists."""

    _clients: dict[tuple[str, str, bool], Any] = field(default_factory=dict[tuple[str, str, bool], Any])

    def client(self, service: str, who: Key, *, tls: bool = True) -> Any:  # noqa: ANN401 - any client of boto3's
        """Return a client with a caller's credentials; kept, because boto3 takes a third of a second to make one."""
        if (service, who.access_key_id, tls) not in self._clients:
            authority = self.directory / "authority.pem"
            authority.write_text(self.aws.authority_pem)
            self._clients[service, who.access_key_id, tls] = cast("Any", boto3).client(
                service,
                region_name=REGION,
                endpoint_url=self.aws.tls_url if tls else self.aws.url,
                verify=str(authority) if tls else None,
                config=CONFIG,
                aws_access_key_id=who.access_key_id,
                aws_secret_access_key=who.secret_access_key,
                aws_session_token=who.session_token or None,
            )
        return self._clients[service, who.access_key_id, tls]

    def administrator(self, service: str) -> Any:  # noqa: ANN401 - any client of boto3's
        """Return a client with the administrator's credentials."""
        return self.client(service, self.aws.administrator)

    def pod(self, role: str, namespace: str, account: str, **token: Any) -> Key:  # noqa: ANN401 - the token's claims
        """Return the credentials that a pod of a service account gets for its token."""
        nobody = Key(access_key_id="none", secret_access_key="none")  # noqa: S106 - the call needs none
        found = self.client("sts", nobody).assume_role_with_web_identity(
            RoleArn=role,
            RoleSessionName="pod",
            WebIdentityToken=self.issuer.token(namespace, account, **token),
        )["Credentials"]
        return Key(
            access_key_id=found["AccessKeyId"],
            secret_access_key=found["SecretAccessKey"],
            session_token=found["SessionToken"],
        )

    def role_name(self, name: str) -> str:
        """A role's full name; `name` is that of its component."""
        return autoname(f"{name}-role")

    def role(self, name: str) -> str:
        """A role's ARN."""
        return self.administrator("iam").get_role(RoleName=self.role_name(name))["Role"]["Arn"]

    def policy(self, name: str) -> str:
        """A role's one policy."""
        found = self.administrator("iam").get_role_policy(RoleName=self.role_name(name), PolicyName="own")
        return json.dumps(found["PolicyDocument"])

    def furnish(self) -> None:
        """Create the resources that the policies name, and files of several owners."""
        kms, s3, secrets = (self.administrator(service) for service in ("kms", "s3", "secretsmanager"))
        self.key, self.other_key = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
        self.secret = secrets.create_secret(
            Name="rds!db-administrator",
            KmsKeyId=self.key,
            SecretString=json.dumps({"username": "platform_administrator", "password": "hunter2"}),
        )["ARN"]
        secrets.create_secret(Name="payroll", SecretString="hunter2", KmsKeyId=self.key)
        for bucket in (BUCKET, OTHER_BUCKET):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            for owner in OWNERS:
                name = f"workspaces/{owner}/1/model"
                made = s3.put_object(
                    Bucket=bucket, Key=name, Body=b"weights", ServerSideEncryption="aws:kms", SSEKMSKeyId=self.key
                )
                self.versions[f"{bucket}/{name}"] = made["VersionId"]

    def settle(self, program: Recording) -> None:
        """Create the bucket's settings, and roles and users with their policies, as the program registers them."""
        s3, iam = self.administrator("s3"), self.administrator("iam")
        for one in program.of("aws.Role"):
            boundary = one.inputs.get("permissionsBoundary")
            iam.create_role(
                RoleName=one.id,
                AssumeRolePolicyDocument=one.inputs["assumeRolePolicy"],
                **({"PermissionsBoundary": boundary} if boundary else {}),
            )
        for one in program.of("aws.RolePolicy"):
            # AWS chooses the end of a secret's ARN.
            policy = one.inputs["policy"].replace(administrator_secret("rds-instance"), self.secret)
            iam.put_role_policy(RoleName=one.inputs["role"], PolicyName="own", PolicyDocument=policy)
        for one in program.of("aws.User"):
            iam.create_user(UserName=one.id)
        for one in program.of("aws.UserPolicy"):
            iam.put_user_policy(UserName=one.inputs["user"], PolicyName="own", PolicyDocument=one.inputs["policy"])
        (rule,) = program.one("aws.BucketServerSideEncryptionConfiguration").inputs["rules"]
        default = rule["applyServerSideEncryptionByDefault"]
        s3.put_bucket_encryption(
            Bucket=BUCKET,
            ServerSideEncryptionConfiguration={
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {
                            "SSEAlgorithm": default["sseAlgorithm"],
                            "KMSMasterKeyID": default["kmsMasterKeyId"],
                        },
                        "BucketKeyEnabled": rule["bucketKeyEnabled"],
                    }
                ]
            },
        )
        s3.put_bucket_policy(Bucket=BUCKET, Policy=program.one("aws.BucketPolicy").inputs["policy"])


def provider_of(issuer: Issuer) -> str:
    """ARN of the cluster's OIDC provider."""
    return f"arn:aws:iam::123456789012:oidc-provider/{issuer.url.removeprefix('https://')}"


def program(world: World, identity: Mapping[str, object], **aws: object) -> Recording:
    """The stack `prod` with direct access, with the bucket and the keys of this AWS."""
    stack = stack_file("prod")
    return run(
        "prod",
        secrets=SECRETS["prod"],
        aws={**stack["mlflow-platform:aws"], "identity": identity, **aws},
        cluster={**stack["mlflow-platform:cluster"], "serviceAccountIssuer": world.issuer.url},
        database={**stack["mlflow-platform:database"], "kmsKey": world.key},
        artifacts={"kind": "bucket", "name": BUCKET, "kmsKey": world.key, "directAccess": True},
        teams={team: dict[str, object]() for team in TEAMS},
    )
