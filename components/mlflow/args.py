"""What the server is given."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.artifacts.artifact_store import ArtifactStore
from components.database.database import Database
from components.exposure.address import Address
from components.kubernetes import pods
from components.kubernetes.availability import Spread
from components.login.oauth2_proxy import Login

LABELS = pods.labels("mlflow")
# As which the server is known to Kubernetes, and to AWS.
SERVICE_ACCOUNT = "mlflow"


@dataclass(frozen=True, kw_only=True, slots=True)
class Autoscaling:
    """Further replicas under load."""

    max_replicas: int
    cpu_percent: int
    """Of the CPU that a server is promised; above it another one is added."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MLflowArgs:
    """Input of `MLflow`."""

    namespace: pulumi.Input[str]
    image: str
    address: Address
    """Where clients find it."""

    pull_secrets: Sequence[str] = ()
    """Names of the Secrets that its images are pulled with."""

    replicas: int
    """Pods that serve at the same time: with `autoscaling` at the least."""

    autoscaling: Autoscaling | None = None
    """None leaves their number alone."""

    spread: Spread
    """How strictly they stand on different nodes and in different zones."""

    termination_seconds: int
    """How long each has for ending."""

    workers: int
    """Worker processes in each replica."""

    pool_size: int
    """Database connections that a worker keeps."""

    pool_overflow: int
    """Connections that a worker opens beyond that under load."""

    resources: pods.Resources
    upload_space: str
    """Space for the few files that the server does not stream, as a Kubernetes quantity."""

    access_cache_seconds: int
    """How long an answer of Kubernetes RBAC is kept: the lag of a revocation there."""

    database: Database
    artifacts: ArtifactStore
    trust: pods.Attachment = pods.NOTHING
    """Further authorities that their certificates may be from."""

    login: Login
    only_workspace: str | None
    """The one namespace whose RBAC decides everything, in an MLflow without workspaces; None means that every namespace
    with the label is a workspace."""

    api_server: Sequence[str]
    """Address ranges of the API server; none means anywhere."""

    contact: str | None
    """Whom people in no team are told to ask."""

    controller_namespace: str
    """Namespace of the ingress controller."""

    client_namespaces: Sequence[str] = ()
    """Namespaces beside the workspaces whose programs come without the ingress."""

    ready: list[pulumi.Resource]
    """What has to be done before the rollout: the migration, the identity provider."""

    @property
    def exclusive(self) -> bool:
        """Whether a new pod has to wait until the old one has ended."""
        return self.database.exclusive or self.artifacts.exclusive
