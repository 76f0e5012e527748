"""Files of OAuth2-Proxy: its secrets, the CA certificates that it trusts, and the sign-in page."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.kubernetes import volumes
from components.kubernetes.credential import Source, credential
from components.kubernetes.pods import Attachment
from components.scripts import script

core = k8s.core.v1

SECRETS = "/run/secrets/login"
AUTHORITIES = "/etc/login"
PAGES = "/etc/login-pages"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginSecrets:
    """OAuth2-Proxy's secret files, mounted in the directory `SECRETS`."""

    attachment: Attachment
    ready: tuple[pulumi.Resource, ...] = ()
    """Resources that must exist before a container starts."""


def login_secrets(
    name: str,
    *,
    client_secret: pulumi.Output[str] | Source,
    others: Mapping[str, pulumi.Output[str]],
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> LoginSecrets:
    """The files `cookie-secret`, `client-secret` and `others`, by name.

    All are in one Secret, except a client secret from a `Source`, which is in another Secret.
    """
    # 32 characters: OAuth2-Proxy uses them as an AES key without decoding.
    cookie = random.RandomPassword(f"{name}-cookie", length=32, special=False, opts=opts)
    values = {"cookie-secret": cookie.result}
    if isinstance(client_secret, pulumi.Output):
        values["client-secret"] = client_secret
    values |= others
    secret = core.Secret(
        f"{name}-secret",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
        string_data={**values},
        opts=opts,
    )
    if isinstance(client_secret, pulumi.Output):
        return LoginSecrets(attachment=volumes.secret_files("login-secret", secret.metadata.name, SECRETS))
    client = credential(f"{name}-client", client_secret, namespace=namespace, opts=opts)
    sources = [
        core.VolumeProjectionArgs(secret=core.SecretProjectionArgs(name=secret.metadata.name)),
        client.file("client-secret", "client-secret"),
    ]
    volume = core.VolumeArgs(
        name="login-secret", projected=core.ProjectedVolumeSourceArgs(default_mode=0o440, sources=sources)
    )
    attachment = Attachment(
        env=client.rotation_env("CLIENT_SECRET"),
        mounts=(core.VolumeMountArgs(name="login-secret", mount_path=SECRETS, read_only=True),),
        volumes=(volume,),
    )
    return LoginSecrets(attachment=attachment, ready=client.ready)


def login_authorities(
    name: str,
    *,
    kubernetes: bool,
    identity_provider: pulumi.Output[str] | None,
    company: str | None,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> tuple[list[str], Attachment]:
    """Names of the files with private CA certificates, and the mount of these files in `AUTHORITIES`.

    Possible files: the CA certificates of this cluster's API server, of the identity provider and of the company.
    """
    config_maps: dict[str, pulumi.Input[str]] = {}
    if kubernetes:
        # Kubernetes publishes the API server's CA certificate in every namespace under this name.
        config_maps["kubernetes.crt"] = "kube-root-ca.crt"
    if identity_provider is not None:
        config_maps["identity-provider.crt"] = _config_map(
            f"{name}-authority", {"ca.crt": identity_provider}, namespace, opts
        )
    if company is not None:
        config_maps["company.crt"] = _config_map(f"{name}-company-authorities", {"ca.crt": company}, namespace, opts)
    sources = [
        core.VolumeProjectionArgs(
            config_map=core.ConfigMapProjectionArgs(
                name=config_map, items=[core.KeyToPathArgs(key="ca.crt", path=file)]
            )
        )
        for file, config_map in sorted(config_maps.items())
    ]
    volume = core.VolumeArgs(name="login-authorities", projected=core.ProjectedVolumeSourceArgs(sources=sources))
    mount = core.VolumeMountArgs(name="login-authorities", mount_path=AUTHORITIES, read_only=True)
    return sorted(config_maps), Attachment(mounts=(mount,), volumes=(volume,))


def sign_in_page(name: str, page: str, *, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> Attachment:
    """The file `page` of components/scripts as OAuth2-Proxy's sign-in page, mounted in `PAGES`."""
    # OAuth2-Proxy requires this file name.
    config_map = _config_map(f"{name}-pages", {"sign_in.html": script(page)}, namespace, opts)
    return volumes.config_map_files("login-pages", config_map, PAGES)


def _config_map(
    name: str, data: dict[str, pulumi.Input[str]], namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    metadata = k8s.meta.v1.ObjectMetaArgs(namespace=namespace)
    return core.ConfigMap(name, metadata=metadata, data=data, opts=opts).metadata.name
