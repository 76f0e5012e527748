"""Every resource type that the stand-in has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from testbed.providers.aws import iam_others, iam_roles, iam_users, kms, network, rds, rds_instance, s3, s3_lifecycle
from testbed.providers.aws import s3_settings as settings
from testbed.providers.aws.kinds import Kind
from testbed.providers.protocol import ProviderError
from testbed.providers.values import Object

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients


class PodIdentityAssociation(Kind):
    """What ties a role to a service account at EKS, and what moto does not have."""

    token = "aws:eks/podIdentityAssociation:PodIdentityAssociation"  # noqa: S105 - a type
    label = "EKS Pod Identity Association"
    required = ("clusterName", "namespace", "serviceAccount", "roleArn")
    optional = ("disableSessionTags", "targetRoleArn", "policy")
    computed = ("associationArn", "associationId", "externalId", "region")
    replaces = frozenset({"clusterName", "namespace", "serviceAccount"})
    tagged = True

    def create(self, clients: Clients, inputs: Object) -> str:
        """Refuse; a preview works."""
        raise ProviderError("moto has no associations of EKS Pod Identity: only a preview of one can be tested")


_ALL: Final[tuple[type[Kind], ...]] = (
    s3.Bucket,
    settings.BucketVersioning,
    settings.BucketPublicAccessBlock,
    settings.BucketOwnershipControls,
    settings.BucketServerSideEncryptionConfiguration,
    settings.BucketPolicy,
    s3_lifecycle.BucketLifecycleConfiguration,
    iam_roles.Role,
    iam_roles.RolePolicy,
    iam_users.User,
    iam_users.UserPolicy,
    iam_users.AccessKey,
    iam_others.Policy,
    iam_others.RolePolicyAttachment,
    iam_others.OpenIdConnectProvider,
    kms.Key,
    kms.Alias,
    rds.SubnetGroup,
    rds.ParameterGroup,
    rds_instance.Instance,
    network.SecurityGroup,
    network.SecurityGroupIngressRule,
    network.SecurityGroupEgressRule,
    PodIdentityAssociation,
)
KINDS: Final[Mapping[str, Kind]] = {kind.token: kind() for kind in _ALL}
