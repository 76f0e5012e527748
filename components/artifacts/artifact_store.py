"""`ArtifactStore`: the common interface of all artifact stores, for the pods that use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods
from components.kubernetes.networks import Flow

# Environment variables of an access key (its id and its secret), and their keys in the Secret that holds them.
ACCESS_KEY = {"AWS_ACCESS_KEY_ID": "access-key-id", "AWS_SECRET_ACCESS_KEY": "secret-access-key"}

# Environment variables with which boto3 sends the additional checksums of S3 only where the protocol demands them.
WITHOUT_CHECKSUMS = dict.fromkeys(
    ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"), "when_required"
)

# Secret with the access key of a team's programs; people type the name in `envFrom`.
TEAM_SECRET = "mlflow-artifacts"  # noqa: S105 - the name of a Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnBucket:
    """The S3 bucket at AWS that the platform creates; teams can be given direct access to it."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    key: pulumi.Output[str]
    """ARN of the KMS key that encrypts the bucket."""

    prefix: str | None = None
    """Folder of all artifacts; None means the whole bucket."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectAccess:
    """Direct access of a team's programs to their workspace's artifacts in the S3 bucket, without the MLflow server."""

    environment: Mapping[str, pulumi.Input[str]]
    flows: Sequence[Flow]
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Annotations of the team's service account."""

    secret: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Content of the Secret `TEAM_SECRET` in the team's namespace: an access key, and variables that go with it. Empty
    if there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactStore:
    """An artifact store, and the settings and connections that its clients need."""

    uri: pulumi.Input[str]
    """URI of the root of all artifacts; MLflow appends `workspaces/<namespace>/<experiment>`."""

    attachment: pods.Attachment
    """Environment variables and volumes for every container that reads or writes artifacts."""

    flows: tuple[Flow, ...]
    """Connections to the store, which the NetworkPolicies of its clients have to allow."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before a client connects."""

    exclusive: bool = False
    """True if only one pod at a time can use the store."""

    direct_bucket: OwnBucket | None = None
    """The bucket at AWS that teams can access directly; None if they cannot."""

    team_access: Mapping[str, DirectAccess] = field(default_factory=dict[str, DirectAccess])
    """Direct access by team, for the teams that have an access key of their own."""


def workspace_folder(team: str, prefix: str | None = None) -> str:
    """Folder of a team's workspace in the bucket, below `prefix` if all artifacts are, with a slash at the end.

    The slash keeps `team-a` out of the files of `team-ab`. MLflow adds `workspaces` (its module
    mlflow/store/workspace_aware_mixin.py).
    """
    return f"{'' if prefix is None else f'{prefix}/'}workspaces/{team}/"


def team_key(
    folder: str,
    *,
    bucket: str,
    region: str,
    endpoint_url: pulumi.Input[str] | None,
    checksums: bool = True,
    key: tuple[pulumi.Input[str], ...],
) -> dict[str, pulumi.Input[str]]:
    """Content of a team's Secret `TEAM_SECRET`; an `endpoint_url` of None means AWS.

    MLflow and boto3 read the URL from different variables; so do boto3 and other AWS SDKs with the region.

    Args:
        folder: folder of the team's workspace in the bucket, with a slash at the end.
        bucket: name of the bucket.
        region: region of the bucket.
        endpoint_url: URL of the store.
        checksums: False if the store refuses the additional checksums of S3.
        key: id and secret of the access key.
    """
    secret: dict[str, pulumi.Input[str]] = {
        **dict(zip(ACCESS_KEY, key, strict=True)),
        **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), region),
        "WORKSPACE_ARTIFACTS": f"s3://{bucket}/{folder}",
    }
    if endpoint_url is not None:
        secret |= dict.fromkeys(("MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"), endpoint_url)
    if not checksums:
        secret |= WITHOUT_CHECKSUMS
    return secret


def s3_uri(bucket: pulumi.Input[str], prefix: str | None = None) -> pulumi.Output[str]:
    """Artifact URI of a bucket, or of the folder `prefix` in it.

    The scheme `s3-proxied` is defined in images/mlflow/server: with `s3://` MLflow would send clients to the store
    itself, which they may not be able to reach.
    """
    return pulumi.Output.concat("s3-proxied://", bucket, "" if prefix is None else f"/{prefix}")


def s3_environment(
    *, region: str, endpoint_url: str | None, authority_file: str | None = None, checksums: bool = True
) -> tuple[k8s.core.v1.EnvVarArgs, ...]:
    """Environment variables with which boto3 and MLflow use an S3 store; an `endpoint_url` of None means AWS.

    Without an `authority_file`, boto3 and MLflow trust the public CA certificates. Without `checksums`, boto3 sends
    the additional checksums of S3 only where the protocol demands them.
    """
    variables = dict[str, str]()
    if endpoint_url is not None:
        variables["MLFLOW_S3_ENDPOINT_URL"] = endpoint_url
    if authority_file is not None:
        variables["AWS_CA_BUNDLE"] = authority_file
    if not checksums:
        variables |= WITHOUT_CHECKSUMS
    return (
        *region_environment(region),
        *(k8s.core.v1.EnvVarArgs(name=key, value=value) for key, value in variables.items()),
    )


def region_environment(region: pulumi.Input[str]) -> tuple[k8s.core.v1.EnvVarArgs, ...]:
    """The region as two environment variables: boto3 reads only AWS_DEFAULT_REGION, other AWS SDKs AWS_REGION."""
    return tuple(k8s.core.v1.EnvVarArgs(name=name, value=region) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))


def key_environment(secret: "str | k8s.core.v1.Secret") -> tuple[k8s.core.v1.EnvVarArgs, ...]:
    """Environment variables of an access key, read from the Secret that holds it."""
    return tuple(pods.secret_env(variable, secret, key) for variable, key in ACCESS_KEY.items())
