"""An AWS role for a pod, without a key: AWS takes a token of the pod's service account for it.

The token is mounted by the program itself, so nothing depends on a webhook that changes pods on their way in. AWS has
to know the cluster as an OpenID Connect provider, and the role's trust policy names the service account.
"""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods

core = k8s.core.v1

AUDIENCE = "sts.amazonaws.com"
# By the names that EKS's own webhook uses: where it runs it finds everything in its place, and adds nothing.
FOLDER, VOLUME = "/var/run/secrets/eks.amazonaws.com/serviceaccount", "aws-iam-token"
# The kubelet renews a token at four fifths of its life, and AWS's credentials for one live an hour.
TOKEN_SECONDS = 3600


def web_identity(role_arn: pulumi.Input[str]) -> pods.Attachment:
    """What AWS's SDKs need in a container to become the role, beside the region."""
    return with_token(
        volume=VOLUME,
        file=f"{FOLDER}/token",
        audience=AUDIENCE,
        env={
            "AWS_ROLE_ARN": role_arn,
            "AWS_WEB_IDENTITY_TOKEN_FILE": f"{FOLDER}/token",
            # The region's own endpoint, also in SDKs whose default is the one of us-east-1.
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        },
    )


def with_token(*, volume: str, file: str, audience: str, env: Mapping[str, pulumi.Input[str]]) -> pods.Attachment:
    """A token of the pod's service account in a `file`, good for an `audience` alone, and variables that name it."""
    folder, _, path = file.rpartition("/")
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


def to_aws() -> networks.Flow:
    """The way to AWS's own endpoints, whose addresses change."""
    return networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[443])
