"""`ArtifactStore`: the interface between the kinds of artifact store and the pods that use one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods
from components.kubernetes.networks import Flow

# Environment variables of an access key, and the entries of a Secret that hold its two halves.
ACCESS_KEY = {"AWS_ACCESS_KEY_ID": "access-key-id", "AWS_SECRET_ACCESS_KEY": "secret-access-key"}


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnBucket:
    """A bucket of the platform at AWS, which teams may get direct access to."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    key: pulumi.Output[str]
    """ARN of the KMS key that encrypts it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectAccess:
    """Direct access of a team's programs to their workspace's artifacts in the bucket, without the server."""

    environment: Mapping[str, pulumi.Input[str]]
    flows: Sequence[Flow]
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Annotations of the team's service account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactStore:
    """A store for artifacts, and what its clients need."""

    uri: pulumi.Input[str]
    """URI of the root of all artifacts; MLflow appends `workspaces/<namespace>/<experiment>`."""

    attachment: pods.Attachment
    """Attachment of every container that reads or writes artifacts."""

    flows: tuple[Flow, ...]
    """Connections to it, for the NetworkPolicies of its clients."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before a client connects."""

    exclusive: bool = False
    """True if only one pod at a time can use it."""

    direct_bucket: OwnBucket | None = None
    """The bucket that teams have direct access to; None means that they have none."""


def s3_uri(bucket: pulumi.Input[str]) -> pulumi.Output[str]:
    """Artifact URI of a bucket.

    The scheme is defined in images/mlflow/server: with `s3://` MLflow would send clients to the store itself, which
    they may not be able to reach.
    """
    return pulumi.Output.concat("s3-proxied://", bucket)


def s3_environment(
    *, region: str, endpoint_url: str | None, authority_file: str | None = None
) -> tuple[k8s.core.v1.EnvVarArgs, ...]:
    """Settings of boto3 and MLflow for a store; an `endpoint_url` of None means AWS.

    Without an `authority_file` they trust the public CA certificates.
    """
    variables = dict[str, str]()
    if endpoint_url is not None:
        variables["MLFLOW_S3_ENDPOINT_URL"] = endpoint_url
    if authority_file is not None:
        variables["AWS_CA_BUNDLE"] = authority_file
    return (
        *region_environment(region),
        *(k8s.core.v1.EnvVarArgs(name=key, value=value) for key, value in variables.items()),
    )


def region_environment(region: pulumi.Input[str]) -> tuple[k8s.core.v1.EnvVarArgs, ...]:
    """The region in both of its variables: boto3 reads only the second one, other AWS SDKs the first."""
    return tuple(k8s.core.v1.EnvVarArgs(name=name, value=region) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))


def key_environment(secret: "str | k8s.core.v1.Secret") -> tuple[k8s.core.v1.EnvVarArgs, ...]:
    """The variables of an access key, from the Secret that holds it."""
    return tuple(pods.secret_env(variable, secret, key) for variable, key in ACCESS_KEY.items())
