"""Input of the MLflow server, and the labels and the service account that other components refer to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.artifacts.artifact_store import ArtifactStore
from components.database.database import Database
from components.exposure.gateway import Address
from components.kubernetes import networks, pods
from components.kubernetes.availability import Spread
from components.kubernetes.http_proxy import HttpProxy
from components.kubernetes.names import DOMAIN
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.login.oauth2_proxy import Login
from components.team.workspace import WORKSPACE_LABELS

LABELS = pods.labels("mlflow")
# The server's identity at the API server, and at AWS.
SERVICE_ACCOUNT = "mlflow"


@dataclass(frozen=True, kw_only=True, slots=True)
class Autoscaling:
    """Settings of the HorizontalPodAutoscaler."""

    max_replicas: int
    cpu_percent: int
    """Target utilization, in percent of the CPU request; above it replicas are added."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MLflowArgs:
    """Input of `MLflow`."""

    namespace: pulumi.Input[str]
    image: str
    address: Address
    """Public address of the platform."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    replicas: int
    """Number of pods; with `autoscaling` the minimum number."""

    autoscaling: Autoscaling | None = None
    """None keeps the number of replicas fixed."""

    spread: Spread
    """How strictly replicas are spread over nodes and zones."""

    termination_seconds: int
    """Termination grace period of a pod."""

    workers: int
    """Worker processes of each replica."""

    pool_size: int
    """Database connections that a worker keeps open."""

    pool_overflow: int
    """Further connections that a worker opens under load."""

    resources: pods.Resources
    upload_space: str
    """Size limit of /tmp, for the few files that the server does not stream; a Kubernetes quantity."""

    access_cache_seconds: int
    """Seconds for which an RBAC decision is cached: a revocation takes effect after that time."""

    bounds: Mapping[str, int]
    """Bounds of requests by name, as in bounds.py of the server's package."""

    database: Database
    artifact_store: ArtifactStore
    trust: pods.Attachment = pods.NOTHING
    """Mounts the company's CA certificates, which may have signed the certificates of database and artifact store."""

    proxy: HttpProxy | None = None
    """The company's HTTP proxy. MLflow itself uses it for the artifact store alone."""

    login: Login
    only_workspace: str | None
    """If MLflow runs without workspaces, the namespace whose RBAC decides about every request. None means that every
    namespace with the labels `workspace_labels` is a workspace."""

    workspace_labels: Mapping[str, str] = field(default_factory=WORKSPACE_LABELS.copy)
    """Labels of the namespaces that are workspaces."""

    api_server: Sequence[str]
    """Address ranges of the API server; empty if unknown."""

    contact: str | None
    """Contact shown to users without access."""

    domain: str = DOMAIN
    """The cluster's DNS domain."""

    controller: networks.IngressController

    client_namespaces: Sequence[str] = ()
    """Namespaces, other than those of the teams, from which programs connect to the Service directly."""

    features: Sequence[str] = ()
    """Features of MLflow that are off by default; their routes are in routes.toml of the server's package."""

    webhook_hosts: Sequence[str] = ()
    """Hosts that webhooks may be sent to, through the webhook proxy."""

    durable: bool
    """True protects the key that encrypts the webhooks' secrets from deletion."""

    ready: list[pulumi.Resource]
    """Resources that must exist before the rollout: the migration, the identity provider."""

    @property
    def exclusive(self) -> bool:
        """True if a new pod has to wait until the old one has terminated."""
        return self.database.exclusive or self.artifact_store.exclusive
