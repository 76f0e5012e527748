"""All resource types of the stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from testbed.providers.aws import iam, iam_policies, kms, network, rds, rds_instance, s3, s3_lifecycle
from testbed.providers.aws import s3_settings as settings
from testbed.providers.aws.kinds import Kind
from testbed.providers.protocol import ProviderError
from testbed.providers.values import Object

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients


class PodIdentityAssociation(Kind):
    """EKS Pod Identity association; only previews work, because moto does not support it."""

    token = "aws:eks/podIdentityAssociation:PodIdentityAssociation"  # noqa: S105 - a type
    label = "EKS Pod Identity Association"
    required = ("clusterName", "namespace", "serviceAccount", "roleArn")
    optional = ("disableSessionTags", "targetRoleArn", "policy")
    computed = ("associationArn", "associationId", "externalId", "region")
    replaces = frozenset({"clusterName", "namespace", "serviceAccount"})
    tagged = True

    def create(self, clients: Clients, inputs: Object) -> str:
        raise ProviderError("moto does not support EKS Pod Identity associations: only their preview can be tested")


_ALL: Final[tuple[type[Kind], ...]] = (
    s3.Bucket,
    settings.BucketVersioning,
    settings.BucketPublicAccessBlock,
    settings.BucketOwnershipControls,
    settings.BucketServerSideEncryptionConfiguration,
    settings.BucketPolicy,
    s3_lifecycle.BucketLifecycleConfiguration,
    iam.Role,
    iam.User,
    iam.AccessKey,
    iam.OpenIdConnectProvider,
    iam_policies.Policy,
    iam_policies.RolePolicyAttachment,
    iam_policies.RolePolicy,
    iam_policies.UserPolicy,
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
