"""How pods authenticate to AWS: the interface `AwsIdentity`, and EKS Pod Identity.

For IRSA (IAM roles for service accounts), `components.aws.web_identity` mounts the service-account token.
"""

from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.aws.web_identity import with_token
from components.kubernetes import networks, pods

# Address of the EKS Pod Identity agent on every node. It is link-local, so the NetworkPolicies of other pods deny it.
POD_IDENTITY_AGENT = "169.254.170.23"


@dataclass(frozen=True, kw_only=True, slots=True)
class Irsa:
    """IRSA (IAM roles for service accounts): AWS STS accepts the cluster's service-account tokens."""

    provider: str
    """ARN of the cluster's OIDC provider in IAM."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PodIdentity:
    """EKS Pod Identity: an agent on each node provides a role's credentials."""

    cluster: str
    """Name of the EKS cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsIdentity:
    """An IAM role or user, and the settings and connections with which containers authenticate as that role or user."""

    attachment: pods.Attachment
    flows: tuple[networks.Flow, ...]
    """Connections to the services that issue credentials, and to AWS."""

    ready: tuple[pulumi.Resource, ...]
    """Resources that must exist before a pod starts."""

    annotations: dict[str, pulumi.Output[str]] = field(default_factory=dict[str, pulumi.Output[str]])
    """Annotations for the service account of a team's pods, which EKS's webhook reads."""


def pod_identity_attachment() -> pods.Attachment:
    """Environment variables with the URL of the EKS Pod Identity agent, and a mounted token that the agent accepts."""
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
    """Connections to the EKS Pod Identity agent, which runs in the network namespace of the node."""
    agent = k8s.networking.v1.NetworkPolicyPeerArgs(
        ip_block=k8s.networking.v1.IPBlockArgs(cidr=f"{POD_IDENTITY_AGENT}/32")
    )
    return networks.Flow(peers=[agent], ports=[80])
