"""The AWS stand-in for the embedded cluster, on an address of the node, with PostgreSQL behind RDS's host names.

Pods reach it under AWS's own host names, because the cluster's DNS resolves them to it. It ends with the test.
"""

import json
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import boto3

from testbed.aws.principals import REGION
from testbed.aws.server import Running, running
from testbed.e2e.commands import run
from testbed.e2e.kube import kubectl
from testbed.e2e.names import resolving
from testbed.node.process import Node
from testbed.paths import home

# An address in the node's network, besides the node's own.
ADDRESS = "10.89.0.3"
# testbed/e2e/pods/rds.yaml
DATABASE_ADDRESS = "10.96.0.91"
RDS_NAMES = f"{REGION}.rds.amazonaws.com"
# moto names every instance `<identifier>.aaaaaaaaaa.<region>.rds.amazonaws.com`.
DATABASE_NAMES = f"*.aaaaaaaaaa.{RDS_NAMES}"
AUDIENCE = "sts.amazonaws.com"
POSTGRES = Path(__file__).with_name("pods") / "rds.yaml"
READY_SECONDS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Amazon:
    """The AWS stand-in with everything that a deployment of the platform needs."""

    aws: Running
    authority: Path
    oidc_provider: str
    """ARN of the cluster's own issuer at IAM."""

    vpc: str
    subnets: list[str]
    security_group: str

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for an engine that deploys there."""
        return engine_environment(self.aws, self.authority)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients while it runs
        """Make a client with the administrator's key."""
        return _client(self.aws, self.authority, service)


def engine_environment(aws: Running, authority: Path) -> dict[str, str]:
    """Environment variables for an engine that deploys to the stand-in; `authority` is its CA certificate file."""
    return {
        **aws.administrator.environment,
        "AWS_ENDPOINT_URL": aws.tls_url,
        "AWS_CA_BUNDLE": str(authority),
        "AWS_REGION": REGION,
    }


@contextmanager
def amazon(folder: Path) -> Generator[Amazon]:
    """Run the AWS stand-in, with a network and the cluster's identity provider."""
    node = f"--net=/proc/{Node(home()).running().pid}/ns/net"
    with ExitStack() as stack:
        run("nsenter", node, "ip", "address", "replace", f"{ADDRESS}/24", "dev", "node0")
        stack.callback(run, "nsenter", node, "ip", "address", "delete", f"{ADDRESS}/24", "dev", "node0")
        aws = stack.enter_context(running(host=ADDRESS, prefix=["nsenter", node]))
        authority = folder / "aws.crt"
        authority.write_text(aws.authority_pem, encoding="utf-8")
        stack.enter_context(_database(aws))
        stack.enter_context(resolving({RDS_NAMES: DATABASE_ADDRESS, "amazonaws.com": ADDRESS}))
        ec2 = _client(aws, authority, "ec2")
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        yield Amazon(
            aws=aws,
            authority=authority,
            oidc_provider=_trusted_issuer(aws, _client(aws, authority, "iam")),
            vpc=vpc,
            subnets=[subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2],
            security_group=ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"],
        )


def _client(aws: Running, authority: Path, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients while it runs
    make = cast("Any", boto3.client)  # pyright: ignore[reportUnknownMemberType] - one overload for each service
    return make(
        service,
        region_name=REGION,
        endpoint_url=aws.tls_url,
        verify=str(authority),
        aws_access_key_id=aws.administrator.access_key_id,
        aws_secret_access_key=aws.administrator.secret_access_key,
    )


def _trusted_issuer(aws: Running, iam: Any) -> str:  # noqa: ANN401 - boto3 makes its clients while it runs
    """Register the cluster's issuer with IAM, as `eksctl utils associate-iam-oidc-provider` does."""
    issuer = json.loads(kubectl("get", "--raw", "/.well-known/openid-configuration").stdout)["issuer"]
    aws.trust_issuer(issuer, json.loads(kubectl("get", "--raw", "/openid/v1/jwks").stdout))
    made = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=[AUDIENCE], ThumbprintList=["0" * 40])
    return made["OpenIDConnectProviderArn"]


@contextmanager
def _database(aws: Running) -> Generator[None]:
    pair = aws.authority.issue([DATABASE_NAMES])
    kubectl("create", "namespace", "rds")
    try:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "rds", "namespace": "rds"},
            "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key},
        }
        kubectl("apply", "--filename=-", stdin=json.dumps(secret))
        kubectl("apply", f"--filename={POSTGRES}")
        kubectl(
            "rollout",
            "status",
            "deployment/rds",
            "--namespace=rds",
            f"--timeout={READY_SECONDS}s",
            seconds=READY_SECONDS,
        )
        yield
    finally:
        kubectl("delete", "namespace", "rds", "--wait=false")
