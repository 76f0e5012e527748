"""The section `cluster`."""

from typing import Annotated, Literal

from pydantic import Field

from settings.schema.base import Model
from settings.schema.network import Network
from settings.types import values
from settings.types.kinds import whole
from settings.types.service_accounts import AUDIENCE


class Capacity(Model):
    """Capacity of the cluster for pods and volumes."""

    cpu: values.Cpu | None = None
    """Allocatable CPU of all nodes (`kubectl describe nodes`). If the platform and all quotas together need more, that
    is a warning."""

    memory: values.Size | None = None
    """Allocatable memory of all nodes. If the platform and all quotas together need more, that is an error."""

    storage: values.Size | None = None
    """Disk space for volumes. If the platform and all quotas together need more, that is an error."""

    gpus: Annotated[int, whole(0, 100_000)] | None = None
    """NVIDIA GPUs of all nodes. If all quotas together allow more, that is a warning."""


class Cluster(Network):
    """Properties of the Kubernetes cluster."""

    ingress_class: values.ObjectName = "traefik"
    """IngressClass of the platform's Ingresses."""

    ingress_controller: Literal["any", "ingress-nginx"] = "any"
    """Kind of the ingress controller. With `ingress-nginx` the Ingresses get annotations that remove its 1 MiB limit
    of request bodies, switch off its buffering, and extend its timeouts of one minute; `any` sets no annotations."""

    ingress_namespace: values.ObjectName = "traefik"
    """Namespace of the ingress controller's pods; NetworkPolicies allow traffic from it. A controller without pods of
    its own in the cluster's network needs `ingressPods`."""

    ingress_annotations: dict[str, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of all Ingresses, for example `cert-manager.io/cluster-issuer`."""

    storage_class: values.ObjectName | None = None
    """StorageClass of the in-cluster volumes; absent means the cluster's default."""

    service_account_issuer: values.Issuer | None = None
    """Issuer of service-account tokens (`--service-account-issuer` of the API server); differs on managed clusters.
    Absent means `https://kubernetes.default.svc.` with `domain` at its end."""

    api_server_issuer: values.Flag = False
    """The API server itself serves the public keys of `serviceAccountIssuer`, with a certificate of the cluster's CA
    (for example Talos, kOps). Not needed for an issuer at `kubernetes.default.svc`."""

    service_account_audiences: tuple[values.Audience, ...] = ()
    """Accepted audiences of service-account tokens; must include `mlflow`. Empty means `mlflow` and the issuer, the
    default audience of pods' tokens on most clusters. With `[mlflow]` alone, pods must request a token with the
    audience `mlflow`."""

    api_server: tuple[values.AddressRange, ...] = ()
    """Address ranges of the API server's endpoints (`kubectl get endpointslices kubernetes --namespace default`). Empty
    means that MLflow's pods may connect to the API server's ports at any address."""

    authorities: values.Authority | None = None
    """CA certificates of the company. The MLflow server, its Jobs and OAuth2-Proxy trust them besides public CAs."""

    ingress_addresses: tuple[values.AddressRange, ...] = ()
    """Addresses of a load balancer in front of the ingress controller, if pods reach the platform only through it;
    teams' pods may connect to these addresses on port 443."""

    ingress_pods: tuple[values.AddressRange, ...] = ()
    """Address ranges from which the ingress controller connects: of its pods, of the nodes if these pods use the host
    network, or of a load balancer that connects to pods directly. NetworkPolicies admit them besides the pods of
    `ingressNamespace`. With `gateway.login: forward-auth` OAuth2-Proxy reads X-Forwarded headers of requests from
    these addresses only. Empty means the pods of `ingressNamespace`, at any private address."""

    capacity: Capacity = Field(default_factory=Capacity)
    """Capacity of the cluster. If set, the platform and all teams' quotas together must fit into it."""

    @property
    def issuer(self) -> str:
        """Issuer of service-account tokens."""
        return self.service_account_issuer or f"https://kubernetes.default.svc.{self.domain}"

    @property
    def audiences(self) -> tuple[str, ...]:
        """Accepted audiences of service-account tokens."""
        return self.service_account_audiences or (AUDIENCE, self.issuer)

    @property
    def admits_default_tokens(self) -> bool:
        """True if MLflow may accept the token that Kubernetes mounts into pods by default.

        That token never has the audience `mlflow`, so this is False if `mlflow` is the only accepted audience.
        """
        return self.audiences != (AUDIENCE,)
