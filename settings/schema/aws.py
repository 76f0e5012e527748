"""The section `aws`."""

from typing import Annotated, Literal

from pydantic import Field

from settings.schema.base import Model
from settings.types import amazon, values
from settings.types.kinds import whole


class IrsaIdentity(Model):
    """IAM roles for service accounts, on EKS and on any cluster whose OIDC issuer is registered in IAM."""

    kind: Literal["irsa"]

    oidc_provider: amazon.OidcProvider
    """ARN of the cluster's OIDC provider in IAM."""


class PodIdentityIdentity(Model):
    """EKS Pod Identity, on EKS clusters with the Pod Identity Agent."""

    kind: Literal["pod-identity"]

    cluster_name: amazon.ClusterName
    """Name of the EKS cluster."""


class AccessKeyIdentity(Model):
    """IAM users with an access key each, for clusters outside AWS."""

    kind: Literal["access-key"]

    rotation: Annotated[int, whole(1, 1_000_000)] = 1
    """Raise this number to rotate the keys: new keys are created and deployed, then the old ones are deleted."""


class Aws(Model):
    """AWS account and region of database and bucket, and the authentication of pods to AWS."""

    region: values.Region
    """Region of everything that the platform creates at AWS."""

    account_id: amazon.AccountId
    """AWS account ID; `up` stops before it creates anything if Pulumi's AWS credentials belong to another account."""

    identity: Annotated[IrsaIdentity | PodIdentityIdentity | AccessKeyIdentity, Field(discriminator="kind")]
    """Authentication of pods to AWS."""

    tags: dict[amazon.TagText, amazon.TagText] = Field(default_factory=dict[str, str])
    """Tags of all AWS resources that support tags."""

    permissions_boundary: amazon.PolicyArn | None = None
    """ARN of the permissions boundary of all IAM roles and users that the platform creates."""
