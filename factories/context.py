"""The input of all factories: settings, secrets, providers, and the company's CA certificates."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.exposure.gateway import Address
from components.kubernetes import networks, pods
from components.kubernetes.ca_certificates import Authorities, AuthoritiesArgs
from components.kubernetes.http_proxy import HttpProxy
from components.kubernetes.namespace import PlatformNamespace, PlatformNamespaceArgs
from components.kubernetes.scheduling import Scheduling
from components.login.forward_auth import REFRESH_MINUTES
from factories.scheduling import scheduling
from settings import ExternalSettings, Secrets, Settings
from settings.schema.gateway import IngressGateway
from settings.schema.login import DevelopmentLogin
from settings.schema.network import Dns, Network


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Settings and secrets of the stack, and values derived from them that several components need."""

    settings: Settings
    secrets: Secrets
    namespace: pulumi.Output[str]
    trust: pods.Attachment
    """Mounts the company's CA certificates in containers of the server's image."""

    opts: pulumi.ResourceOptions
    """Resource options of every component."""

    @property
    def address(self) -> Address:
        """Public address of the platform."""
        return Address(host=self.settings.host, path=self.settings.gateway.path or "")

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """Names of the image pull Secrets of every pod."""
        return self.settings.images.pull_secrets

    @property
    def scheduling(self) -> Scheduling:
        """Nodes, priority, labels and image pull policy of every pod."""
        return scheduling(self.settings.scheduling)

    def image(self, name: str) -> str:
        """The reference of the image `name`, at the registry mirror if the settings have one."""
        return mirrored(name, self.settings.images.registry)

    @property
    def controller(self) -> networks.IngressController:
        """The ingress controller."""
        cluster = self.settings.cluster
        return networks.IngressController(namespace=cluster.ingress_namespace, addresses=cluster.ingress_pods)

    @property
    def proxy(self) -> HttpProxy | None:
        """The company's HTTP proxy, which does not carry connections to the API server and to the platform itself."""
        cluster = self.settings.cluster
        issuer = urlsplit(cluster.issuer).hostname if cluster.api_server_issuer else None
        # The issuer's description says to read the public keys at the API server's own address.
        servers = [one.removesuffix("/32").removesuffix("/128") for one in cluster.api_server]
        return http_proxy(cluster, [*self.hosts.values(), *([issuer] if issuer else []), *servers])

    @property
    def forward_auth(self) -> bool:
        """True if the ingress controller calls OAuth2-Proxy for each request (ForwardAuth)."""
        gateway = self.settings.gateway
        return isinstance(gateway, IngressGateway) and gateway.login == "forward-auth"

    @property
    def refresh_minutes(self) -> int:
        """Minutes after which OAuth2-Proxy reads a user's groups from the identity provider again."""
        minutes = self.settings.sessions.refresh_minutes
        return min(minutes, REFRESH_MINUTES) if self.forward_auth else minutes

    @property
    def hosts(self) -> dict[str, str]:
        """Public host names by role: `host`, and `identity` with the development identity provider."""
        if isinstance(self.settings.login, DevelopmentLogin):
            return {"host": self.settings.host, "identity": self.identity_host}
        return {"host": self.settings.host}

    @property
    def identity_host(self) -> str:
        """Host name of the development identity provider."""
        return f"dex.{self.settings.host}"


def providers(settings: Settings | ExternalSettings) -> list[pulumi.ProviderResource]:
    """The Pulumi providers: Kubernetes, random and, with the section `aws`, AWS for one account with default tags."""
    resources: list[pulumi.ProviderResource] = [
        # An empty kubeconfig means the default locations at each run. Without it the SDK would write the path in
        # $KUBECONFIG into the state, which differs from machine to machine.
        k8s.Provider("cluster", kubeconfig="", context=settings.cluster.context),
        random.Provider("random"),
    ]
    if isinstance(settings, Settings) and settings.aws is not None:
        import pulumi_aws as aws  # noqa: PLC0415 - takes seconds to load

        resources.append(
            aws.Provider(
                "aws",
                region=settings.aws.region,
                allowed_account_ids=[settings.aws.account_id],
                default_tags={"tags": {"mlflow-platform": settings.host, **settings.aws.tags}},
            )
        )
    return resources


def platform_namespace(settings: Settings, opts: pulumi.ResourceOptions) -> PlatformNamespace:
    """The platform's own namespace."""
    return PlatformNamespace(
        "platform",
        PlatformNamespaceArgs(
            name=settings.namespace,
            create=settings.create_namespace,
            durable=settings.durable,
            dns=dns(settings.cluster.dns),
        ),
        opts,
    )


def http_proxy(settings: Network, hosts: Sequence[str] = ()) -> HttpProxy | None:
    """The company's HTTP proxy, which does not carry connections to `hosts`; None if there is none."""
    if settings.https_proxy is None:
        return None
    return HttpProxy(url=settings.https_proxy, exceptions=(*hosts, *settings.no_proxy), domain=settings.domain)


def dns(settings: Dns) -> networks.Dns:
    """Where the cluster answers DNS requests."""
    return networks.Dns(
        namespace=settings.namespace if settings.pods else None,
        pod_labels=settings.pod_labels,
        addresses=settings.addresses,
        ports=settings.ports,
    )


def trust(settings: Settings, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> pods.Attachment:
    """The attachment with which containers of the server's image trust the company's CA certificates."""
    pem = settings.cluster.authorities
    if pem is None:
        return pods.NOTHING
    args = AuthoritiesArgs(
        namespace=namespace, pem=pem, image=mirrored(settings.server.image, settings.images.registry)
    )
    return Authorities("authorities", args, opts).attachment


def mirrored(image: str, registry: str | None) -> str:
    """The image in `registry` instead of its own registry; path, name, tag and digest stay."""
    if registry is None or image.startswith(f"{registry}/"):
        return image
    return f"{registry}/{image.partition('/')[2]}"
