"""Web identity: pods assume an AWS role with a token of their service account, without an access key.

The Pulumi program mounts the token itself, so no mutating webhook is needed. The cluster has to be registered as an
OpenID Connect provider in IAM, and the role's trust policy has to name the service account.
"""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods
from components.kubernetes.http_proxy import HttpProxy, Outside, outside

core = k8s.core.v1

AUDIENCE = "sts.amazonaws.com"
# The same names as EKS's own webhook uses: where the webhook runs, it finds them in the pod and adds nothing.
FOLDER, VOLUME = "/var/run/secrets/eks.amazonaws.com/serviceaccount", "aws-iam-token"
# The kubelet renews a token at 80 % of its lifetime, and AWS's credentials for it are valid for an hour.
TOKEN_SECONDS = 3600
# Host names of endpoints, in front of the region: of a bucket, and of the service that exchanges tokens.
S3_SERVICES = ("bucket.s3", "sts")


def web_identity(role_arn: pulumi.Input[str]) -> pods.Attachment:
    """The token mount and the environment variables with which AWS SDKs assume the role.

    The SDKs also need the region, which `region_environment` sets.
    """
    return with_token(
        volume=VOLUME,
        file=f"{FOLDER}/token",
        audience=AUDIENCE,
        env={
            "AWS_ROLE_ARN": role_arn,
            "AWS_WEB_IDENTITY_TOKEN_FILE": f"{FOLDER}/token",
            # The region's own STS endpoint, also in SDKs whose default is the one in us-east-1.
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        },
    )


def with_token(*, volume: str, file: str, audience: str, env: Mapping[str, pulumi.Input[str]]) -> pods.Attachment:
    """A service-account token for `audience`, mounted as the file `file`, and the environment variables `env`."""
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


def to_aws(region: str = "", services: Sequence[str] = S3_SERVICES, proxy: HttpProxy | None = None) -> Outside:
    """The way to AWS's endpoints: HTTPS to any address, because the addresses of the endpoints change, or the proxy.

    `region` and `services` tell which endpoints `proxy` carries.
    """
    end = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return outside([f"https://{service}.{region}.{end}" for service in services], proxy)


def to_s3(endpoint_url: str | None, region: str, proxy: HttpProxy | None) -> Outside:
    """The way to an existing S3 store; an `endpoint_url` of None means AWS."""
    return to_aws(region, proxy=proxy) if endpoint_url is None else outside([endpoint_url], proxy)
