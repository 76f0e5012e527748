"""What a login keeps secret: the key of its cookies, names with passwords, and the secret of its client."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.kubernetes.credential import Source, credential

core = k8s.core.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginSecrets:
    """As a container of the login is given them."""

    volume: core.VolumeArgs
    env: tuple[core.EnvVarArgs, ...] = ()
    """What rolls it with a Secret of others."""

    ready: tuple[pulumi.Resource, ...] = ()
    """What must exist before it starts."""


def login_secrets(
    name: str,
    *,
    client_secret: pulumi.Output[str] | Source,
    htpasswd: pulumi.Output[str] | None,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> LoginSecrets:
    """The login's own Secret, and with a `Source` the client's in another."""
    # 32 characters: OAuth2-Proxy takes them as an AES key as they are.
    cookie = random.RandomPassword(f"{name}-cookie", length=32, special=False, opts=opts)
    values = {"cookie-secret": cookie.result}
    if isinstance(client_secret, pulumi.Output):
        values["client-secret"] = client_secret
    if htpasswd is not None:
        values["htpasswd"] = htpasswd
    own = core.Secret(
        f"{name}-secret",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
        string_data={**values},
        opts=opts,
    )
    if isinstance(client_secret, pulumi.Output):
        return LoginSecrets(
            volume=core.VolumeArgs(
                name="login-secret",
                secret=core.SecretVolumeSourceArgs(secret_name=own.metadata.name, default_mode=0o440),
            )
        )
    client = credential(f"{name}-client", client_secret, namespace=namespace, opts=opts)
    return LoginSecrets(
        volume=core.VolumeArgs(
            name="login-secret",
            projected=core.ProjectedVolumeSourceArgs(
                default_mode=0o440,
                sources=[
                    core.VolumeProjectionArgs(secret=core.SecretProjectionArgs(name=own.metadata.name)),
                    client.file("client-secret", "client-secret"),
                ],
            ),
        ),
        env=client.rotated("CLIENT_SECRET"),
        ready=client.ready,
    )
