"""The section `cluster`."""

from pydantic import Field

from stackfile import values
from stackfile.model.base import Model
from stackfile.programs import AUDIENCE


class Capacity(Model):
    """What the nodes have for pods, and the storage class for volumes."""

    cpu: values.Cpu | None = None
    """CPU of all nodes (`kubectl describe nodes`, allocatable). Quotas above it are a warning."""

    memory: values.Size | None = None
    """Memory of all nodes. Quotas above it are refused."""

    storage: values.Size | None = None
    """Room for volumes. Quotas above it are refused."""


class Cluster(Model):
    """What the platform must know of the Kubernetes cluster."""

    context: values.Plain | None = None
    """Context of the kubeconfig; absent means the current one."""

    ingress_class: values.ObjectName = "traefik"
    """Ingress class that serves the platform's hosts."""

    ingress_namespace: values.ObjectName = "traefik"
    """Namespace of the ingress controller's pods, which NetworkPolicies admit."""

    ingress_annotations: dict[str, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of every Ingress, for example `cert-manager.io/cluster-issuer`."""

    storage_class: values.ObjectName | None = None
    """Class of the in-cluster volumes; absent means the cluster's default."""

    service_account_issuer: values.Issuer = "https://kubernetes.default.svc.cluster.local"
    """`--service-account-issuer` of the API server; managed clusters have one of their own."""

    service_account_audiences: tuple[values.Audience, ...] = ()
    """Audiences of the service-account tokens that open MLflow, `mlflow` among them; none means `mlflow` and the
    issuer, which is what most clusters put into the token of every pod. With `[mlflow]` alone pods have to ask for a
    token of their own."""

    api_server: tuple[values.AddressRange, ...] = ()
    """Where the API server is behind its Service (`kubectl get endpointslices kubernetes`), as address ranges that stay
    right; none means that the server's pods may reach its ports at any address."""

    authorities: values.Authority | None = None
    """Certificates of the company's own authorities, which the server, its Jobs and the login believe beside the public
    ones."""

    ingress_addresses: tuple[values.AddressRange, ...] = ()
    """Addresses of a load balancer in front of the ingress controller, where pods reach it from outside the cluster
    only; teams' pods may reach them on 443."""

    capacity: Capacity = Field(default_factory=Capacity)
    """What the cluster has; where given, the teams' quotas and the platform together have to fit into it."""

    @property
    def audiences(self) -> tuple[str, ...]:
        """Audiences of the service-account tokens that open MLflow."""
        return self.service_account_audiences or (AUDIENCE, self.service_account_issuer)

    @property
    def admits_default_tokens(self) -> bool:
        """Whether the token that Kubernetes mounts into pods is good for something: its audience is never `mlflow`."""
        return self.audiences != (AUDIENCE,)
