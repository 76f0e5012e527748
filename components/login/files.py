"""Files of OAuth2-Proxy: its secrets, the CA certificates that it trusts, and its pages."""

import html
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.kubernetes import volumes
from components.kubernetes.credential import Source, credential, keepers
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
    rotation: int = 1,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> LoginSecrets:
    """The files `cookie-secret`, `client-secret` and `others`, by name; a new `rotation` replaces the cookie secret.

    All are in one Secret, except a client secret from a `Source`, which is in another Secret.
    """
    # 32 characters: OAuth2-Proxy uses them as an AES key without decoding.
    cookie = random.RandomPassword(f"{name}-cookie", length=32, special=False, keepers=keepers(rotation), opts=opts)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class FailurePage:
    """Contents of the page about a sign-in that failed, instead of OAuth2-Proxy's own."""

    claim: str
    """Claim with a user's name."""

    contact: str
    """A person or place to ask, as text."""

    @property
    def text(self) -> str:
        """The page, as a template of OAuth2-Proxy."""
        page = script("sign_in_failed.html")
        for name, value in (("@claim@", self.claim), ("@contact@", self.contact)):
            # Two braces would begin an action of the template.
            page = page.replace(name, html.escape(value).replace("{", "&#123;"))
        return page


def login_pages(
    name: str,
    sign_in: str,
    failure: FailurePage | None,
    *,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> Attachment:
    """OAuth2-Proxy's pages, mounted in `PAGES`; `sign_in` is a file of components/scripts."""
    # OAuth2-Proxy requires these file names.
    pages: dict[str, pulumi.Input[str]] = {"sign_in.html": script(sign_in)}
    if failure is not None:
        pages["error.html"] = failure.text
    config_map = _config_map(f"{name}-pages", pages, namespace, opts)
    return volumes.config_map_files("login-pages", config_map, PAGES)


def _config_map(
    name: str, data: dict[str, pulumi.Input[str]], namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    metadata = k8s.meta.v1.ObjectMetaArgs(namespace=namespace)
    return core.ConfigMap(name, metadata=metadata, data=data, opts=opts).metadata.name
