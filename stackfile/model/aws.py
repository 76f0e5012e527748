"""The section `aws`."""

from typing import Annotated, Literal

from pydantic import Field

from stackfile import amazon, values
from stackfile.kinds import whole
from stackfile.model.base import Model


class IrsaIdentity(Model):
    """IAM roles for service accounts, on EKS and on every cluster whose issuer IAM knows."""

    kind: Literal["irsa"]
    """Who pods are to AWS: roles by the cluster's own tokens (`irsa`), roles by EKS's agent (`pod-identity`), or users
    with an access key (`access-key`)."""

    oidc_provider: amazon.OidcProvider
    """ARN of the cluster's OIDC provider in IAM."""


class PodIdentityIdentity(Model):
    """EKS Pod Identity, on clusters with its agent."""

    kind: Literal["pod-identity"]
    """Who pods are to AWS: roles by the cluster's own tokens (`irsa`), roles by EKS's agent (`pod-identity`), or users
    with an access key (`access-key`)."""

    cluster_name: amazon.ClusterName
    """Name of the EKS cluster."""


class AccessKeyIdentity(Model):
    """Users with an access key each, for clusters outside AWS."""

    kind: Literal["access-key"]
    """Who pods are to AWS: roles by the cluster's own tokens (`irsa`), roles by EKS's agent (`pod-identity`), or users
    with an access key (`access-key`)."""

    rotation: Annotated[int, whole(1, 1_000_000)] = 1
    """Each new number makes new keys, gives them to the pods, and then deletes the old ones."""


class Aws(Model):
    """Where at AWS the platform has a database or a bucket, and who its pods are there."""

    region: values.Region
    """Region of everything that the platform makes."""

    account_id: amazon.AccountId
    """Number of the account; credentials of another one are refused before anything is made."""

    identity: Annotated[IrsaIdentity | PodIdentityIdentity | AccessKeyIdentity, Field(discriminator="kind")]
    """Who pods are to AWS."""

    tags: dict[amazon.TagText, amazon.TagText] = Field(default_factory=dict[str, str])
    """Tags of everything that takes some."""

    permissions_boundary: amazon.PolicyArn | None = None
    """ARN of the policy that limits every role and user that the platform makes."""
