"""An AWS role for a pod, without a key: AWS takes a token of the pod's service account for it.

The token is mounted by the program itself, so nothing depends on a webhook that changes pods on their way in. AWS has
to know the cluster as an OpenID Connect provider, and the role's trust policy names the service account.
"""

import pulumi
import pulumi_kubernetes as k8s

from components import networks, pods
from components.artifact_store import region_environment

core = k8s.core.v1

AUDIENCE = "sts.amazonaws.com"
# By the names that EKS's own webhook uses: where it runs it finds everything in its place, and adds nothing.
FOLDER, VOLUME = "/var/run/secrets/eks.amazonaws.com/serviceaccount", "aws-iam-token"
# The kubelet renews a token at four fifths of its life, and AWS's credentials for one live an hour.
TOKEN_SECONDS = 3600


def web_identity(*, role_arn: pulumi.Input[str], region: pulumi.Input[str]) -> pods.Attachment:
    """What AWS's SDKs need in a container to become the role."""
    return pods.Attachment(
        env=(
            core.EnvVarArgs(name="AWS_ROLE_ARN", value=role_arn),
            core.EnvVarArgs(name="AWS_WEB_IDENTITY_TOKEN_FILE", value=f"{FOLDER}/token"),
            *region_environment(region),
            # The region's own endpoint, also in SDKs whose default is the one of us-east-1.
            core.EnvVarArgs(name="AWS_STS_REGIONAL_ENDPOINTS", value="regional"),
        ),
        mounts=(core.VolumeMountArgs(name=VOLUME, mount_path=FOLDER, read_only=True),),
        volumes=(
            core.VolumeArgs(
                name=VOLUME,
                projected=core.ProjectedVolumeSourceArgs(
                    sources=[
                        core.VolumeProjectionArgs(
                            service_account_token=core.ServiceAccountTokenProjectionArgs(
                                audience=AUDIENCE, expiration_seconds=TOKEN_SECONDS, path="token"
                            )
                        )
                    ]
                ),
            ),
        ),
    )


def to_aws() -> networks.Flow:
    """The way to AWS's own endpoints, whose addresses change."""
    return networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[443])
