"""Who a pod is to AWS, by a role or by a key, and what its containers are given for that.

Where the cluster's own tokens count at AWS, `components.web_identity` mounts one.
"""

from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.aws.web_identity import with_token
from components.kubernetes import networks, pods

# Where EKS Pod Identity's agent answers on every node; link-local, and so closed to all other pods.
POD_IDENTITY_AGENT = "169.254.170.23"


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


def pod_identity_attachment() -> pods.Attachment:
    """Where the agent is, and a token that it takes."""
    file = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"
    return with_token(
        volume="eks-pod-identity-token",
        file=file,
        audience="pods.eks.amazonaws.com",
        env={
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{POD_IDENTITY_AGENT}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file,
        },
    )


def pod_identity_flow() -> networks.Flow:
    """The way to the agent, which is a process of the node's."""
    agent = k8s.networking.v1.NetworkPolicyPeerArgs(
        ip_block=k8s.networking.v1.IPBlockArgs(cidr=f"{POD_IDENTITY_AGENT}/32")
    )
    return networks.Flow(peers=[agent], ports=[80])
