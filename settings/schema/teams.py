"""The sections `workspaces` (defaults for all teams) and `teams`."""

from typing import Annotated

from pydantic import Field

from settings.schema.base import Model
from settings.schema.retention import TeamRetention
from settings.schema.scheduling import TeamScheduling
from settings.schema.serving import ServedModel
from settings.types import values
from settings.types.kinds import whole


class Groups(Model):
    """Groups of the identity provider by role; at least one group is required."""

    viewer: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that can read."""

    editor: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that can read and write."""

    manager: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that can read, write and delete."""

    @property
    def by_role(self) -> dict[str, tuple[str, ...]]:
        """Groups by the name of their role."""
        return {"viewer": self.viewer, "editor": self.editor, "manager": self.manager}


class Quota(Model):
    """Limits for all pods and volumes of a team together (ResourceQuota)."""

    cpu: values.Cpu = "16"
    """Sum of the CPU limits of all containers."""

    memory: values.Size = "64Gi"
    """Sum of the memory limits of all containers."""

    storage: values.Size = "200Gi"
    """Sum of the sizes of all PersistentVolumeClaims."""

    pods: Annotated[int, whole(1, 10_000)] = 100
    """Number of pods."""

    gpus: Annotated[int, whole(0, 10_000)] | None = None
    """Number of NVIDIA GPUs (`nvidia.com/gpu`) of all pods; absent means no limit."""


class Limits(Model):
    """Default requests and limits of containers (LimitRange)."""

    cpu: values.Cpu = "1"
    """CPU limit."""

    memory: values.Size = "2Gi"
    """Memory limit."""

    cpu_request: values.Cpu = "100m"
    """CPU request."""

    memory_request: values.Size = "256Mi"
    """Memory request. The MLflow client with pandas and scikit-learn uses 230 MiB."""


class Workspaces(Model):
    """Defaults for all teams."""

    enabled: values.Flag = True
    """Give each team its own MLflow workspace. `false` is for a single team: MLflow runs without workspaces, and
    clients set no workspace."""

    label: values.NamespaceLabel = "mlflow-enabled=true"
    """Label of the namespaces that are workspaces. The teams' namespaces have it, and MLflow serves no other namespace.
    While `up` changes it, MLflow serves no workspace for about a minute."""

    quota: Quota = Field(default_factory=Quota)
    """Limits for all pods and volumes of a team together (ResourceQuota)."""

    limits: Limits = Field(default_factory=Limits)
    """Default requests and limits of containers (LimitRange)."""

    api_server: values.Flag = False
    """Let teams' pods connect to the API server at the addresses in `cluster.apiServer`, for example for Airflow and
    Kubeflow."""


class TeamQuota(Model):
    """Differences from `workspaces.quota` for one team."""

    cpu: values.Cpu | None = None
    """Overrides `workspaces.quota.cpu`."""

    memory: values.Size | None = None
    """Overrides `workspaces.quota.memory`."""

    storage: values.Size | None = None
    """Overrides `workspaces.quota.storage`."""

    pods: Annotated[int, whole(1, 10_000)] | None = None
    """Overrides `workspaces.quota.pods`."""

    gpus: Annotated[int, whole(0, 10_000)] | None = None
    """Overrides `workspaces.quota.gpus`."""


class TeamLimits(Model):
    """Differences from `workspaces.limits` for one team."""

    cpu: values.Cpu | None = None
    """Overrides `workspaces.limits.cpu`."""

    memory: values.Size | None = None
    """Overrides `workspaces.limits.memory`."""

    cpu_request: values.Cpu | None = None
    """Overrides `workspaces.limits.cpuRequest`."""

    memory_request: values.Size | None = None
    """Overrides `workspaces.limits.memoryRequest`."""


class Team(Model):
    """A team; its name is the key in `teams`."""

    description: values.Description = ""
    """Text that MLflow shows with the workspace."""

    groups: Groups | None = None
    """Groups with access; absent means that the group `<team>-mlflow-users` is manager."""

    service_accounts: tuple[values.Account, ...] = ()
    """Service accounts that can read and write, in addition to `mlflow-client`: a name in the team's namespace, or
    `namespace/name`."""

    logging_accounts: tuple[values.Account, ...] = ()
    """Service accounts that log runs in existing and new experiments and read everything, but register no models and
    delete no experiments; written like those in `serviceAccounts`."""

    quota: TeamQuota = Field(default_factory=TeamQuota)
    """Differences from `workspaces.quota`."""

    limits: TeamLimits = Field(default_factory=TeamLimits)
    """Differences from `workspaces.limits`."""

    retention: TeamRetention = Field(default_factory=TeamRetention)
    """Differences from `retention`."""

    direct_access: values.Flag = False
    """Give the team's programs an access key for the files of their own workspace in the store, in the Secret
    `mlflow-artifacts`; see docs/direct-access.md."""

    serving: dict[values.ServedName, ServedModel] = Field(default_factory=dict[str, ServedModel])
    """Registered models that are served, by the name of their Service. An archived team serves none."""

    scheduling: TeamScheduling = Field(default_factory=TeamScheduling)
    """Differences from `scheduling` for the pods that serve the team's models."""

    create_namespace: values.Flag = True
    """Create the team's namespace; `false` uses an existing one and keeps its content (docs/teams.md)."""

    namespace_labels: dict[values.OwnLabel, values.LabelValue] = Field(default_factory=dict[str, str])
    """Labels of the team's namespace, in addition to the platform's."""

    namespace_annotations: dict[values.NamespaceAnnotation, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of the team's namespace, in addition to the platform's."""

    archived: values.Flag = False
    """Make the team read-only and prevent it from starting pods. Removing an archived team deletes its namespace,
    unless it existed already."""
