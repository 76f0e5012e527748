"""What the server needs to know of where artifacts are, wherever that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods
from components.kubernetes.networks import Flow

# The variables of an access key, and the entries of a Secret that hold it.
ACCESS_KEY = {"AWS_ACCESS_KEY_ID": "access-key-id", "AWS_SECRET_ACCESS_KEY": "secret-access-key"}


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnBucket:
    """A bucket at AWS that the platform may give others a part of."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    key: pulumi.Output[str]
    """ARN of the KMS key that encrypts it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectAccess:
    """What a team's programs need to reach the files of their own workspace without the server."""

    environment: Mapping[str, pulumi.Input[str]]
    flows: Sequence[Flow]
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Of the team's service account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactStore:
    """A place for artifacts and what its clients need for it."""

    uri: pulumi.Input[str]
    """Root of all artifacts; MLflow appends `workspaces/<namespace>/<experiment>`."""

    attachment: pods.Attachment
    """Of every container that reads or writes artifacts."""

    flows: tuple[Flow, ...]
    """The way there, for the NetworkPolicies of whoever connects."""

    ready: tuple[pulumi.Resource, ...]
    """What must exist before somebody connects."""

    exclusive: bool = False
    """Whether only one pod at a time can use it."""

    own: OwnBucket | None = None
    """The bucket, where teams reach the files of their own workspace in it."""


def s3_uri(bucket: pulumi.Input[str]) -> pulumi.Output[str]:
    """URI of a bucket.

    The scheme is the image's own (images/mlflow/server): with `s3://` MLflow sends clients to the store itself, which
    they need not be able to reach.
    """
    return pulumi.Output.concat("s3-proxied://", bucket)


def s3_environment(
    *, region: str, endpoint_url: str | None, authority_file: str | None = None
) -> tuple[k8s.core.v1.EnvVarArgs, ...]:
    """Where boto3 and MLflow find a store; an `endpoint_url` of None means AWS.

    Without an `authority_file` they believe the public authorities.
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
    """The region by both of its names: boto3 reads the second one only, AWS's other SDKs the first."""
    return tuple(k8s.core.v1.EnvVarArgs(name=name, value=region) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))


def key_environment(secret: "str | k8s.core.v1.Secret") -> tuple[k8s.core.v1.EnvVarArgs, ...]:
    """The access key in a Secret, under `access-key-id` and `secret-access-key`."""
    return tuple(pods.secret_env(variable, secret, key) for variable, key in ACCESS_KEY.items())
