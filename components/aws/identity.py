"""Who a pod is to AWS, by a role or by a key, and what its containers are given for that.

The program mounts tokens itself, with the names that the webhooks of EKS use: where those run they find everything in
its place and add nothing, and where none runs it works all the same.
"""

from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components import networks, pods
from components.aws.policies import STS_AUDIENCE

core = k8s.core.v1

# Where EKS Pod Identity's agent answers on every node; link-local, and so closed to all other pods.
POD_IDENTITY_AGENT = "169.254.170.23"
# The kubelet renews a token when four fifths of its time are over; the SDKs read the file again.
TOKEN_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Irsa:
    """IAM roles for service accounts: STS takes the cluster's own tokens."""

    provider: str
    """ARN of the cluster's OIDC provider in IAM."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PodIdentity:
    """EKS Pod Identity: an agent on each node hands out a role's credentials."""

    cluster: str
    """Name of the EKS cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What somebody's containers are given to be somebody to AWS."""

    attachment: pods.Attachment
    flows: tuple[networks.Flow, ...]
    """The way to where credentials come from."""

    ready: tuple[pulumi.Resource, ...]
    """What must exist before a pod starts."""

    annotations: dict[str, pulumi.Output[str]] = field(default_factory=dict[str, pulumi.Output[str]])
    """Of the service account, for pods that are not the platform's: the cluster's webhook reads them."""


def region_environment(region: str) -> tuple[core.EnvVarArgs, ...]:
    """The region by both of its names: botocore reads the second one only, the other SDKs the first."""
    return tuple(core.EnvVarArgs(name=name, value=region) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))


def irsa_attachment(role: pulumi.Input[str]) -> pods.Attachment:
    """The role, and a token that STS takes for it."""
    folder = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
    return _with_token(
        volume="aws-iam-token",
        folder=folder,
        audience=STS_AUDIENCE,
        env={
            "AWS_ROLE_ARN": role,
            "AWS_WEB_IDENTITY_TOKEN_FILE": f"{folder}/token",
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        },
    )


def pod_identity_attachment() -> pods.Attachment:
    """Where the agent is, and a token that it takes."""
    folder = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
    return _with_token(
        volume="eks-pod-identity-token",
        folder=folder,
        audience="pods.eks.amazonaws.com",
        path="eks-pod-identity-token",
        env={
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{POD_IDENTITY_AGENT}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{folder}/eks-pod-identity-token",
        },
    )


def pod_identity_flow() -> networks.Flow:
    """The way to the agent, which is a process of the node's."""
    agent = k8s.networking.v1.NetworkPolicyPeerArgs(
        ip_block=k8s.networking.v1.IPBlockArgs(cidr=f"{POD_IDENTITY_AGENT}/32")
    )
    return networks.Flow(peers=[agent], ports=[80])


def aws_flow() -> networks.Flow:
    """The way to AWS's endpoints, which have no addresses of their own to name."""
    return networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[443])


def _with_token(
    *, volume: str, folder: str, audience: str, env: dict[str, pulumi.Input[str]], path: str = "token"
) -> pods.Attachment:
    token = core.ServiceAccountTokenProjectionArgs(audience=audience, expiration_seconds=TOKEN_SECONDS, path=path)
    return pods.Attachment(
        env=tuple(core.EnvVarArgs(name=key, value=value) for key, value in env.items()),
        mounts=(core.VolumeMountArgs(name=volume, mount_path=folder, read_only=True),),
        volumes=(
            core.VolumeArgs(
                name=volume,
                projected=core.ProjectedVolumeSourceArgs(
                    sources=[core.VolumeProjectionArgs(service_account_token=token)]
                ),
            ),
        ),
    )
