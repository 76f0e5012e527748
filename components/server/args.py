"""What the server is given."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components import pods
from components.address import Address
from components.artifact_store import ArtifactStore
from components.database import Database
from components.login import Login

LABELS = pods.labels("mlflow")


@dataclass(frozen=True, kw_only=True, slots=True)
class MLflowArgs:
    """Input of `MLflow`."""

    namespace: pulumi.Input[str]
    image: str
    address: Address
    """Where clients find it."""

    replicas: int
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
