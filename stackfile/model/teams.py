"""The sections `workspaces` and `teams`: what every team gets, and what one has of its own."""

from typing import Annotated

from pydantic import Field

from stackfile import values
from stackfile.kinds import whole
from stackfile.model.base import Model


class Groups(Model):
    """Who of the identity provider's groups may do what; at least one group in all."""

    viewer: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that read."""

    editor: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that read and write."""

    manager: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that read, write and delete."""


class Quota(Model):
    """What all pods and volumes of a team may take together."""

    cpu: values.Cpu = "16"
    """Sum of the CPU limits of its containers."""

    memory: values.Size = "64Gi"
    """Sum of the memory limits of its containers."""

    storage: values.Size = "200Gi"
    """Sum of the volumes that it claims."""

    pods: Annotated[int, whole(1, 10_000)] = 100
    """Pods that exist at the same time."""


class Limits(Model):
    """What a container gets that says nothing about it."""

    cpu: values.Cpu = "1"
    """CPU that it may take."""

    memory: values.Size = "2Gi"
    """Memory at which it is ended."""

    cpu_request: values.Cpu = "100m"
    """CPU that it is promised."""

    memory_request: values.Size = "256Mi"
    """Memory that it is promised. Measured: 230 MiB for MLflow's client with pandas and scikit-learn."""


class Workspaces(Model):
    """What every team gets that says nothing else."""

    enabled: values.Flag = True
    """Whether each team has an MLflow workspace of its own. `false` is for one team that wants MLflow without
    workspaces: everything is in one place, and clients name none."""

    quota: Quota = Field(default_factory=Quota)
    """What all pods and volumes of a team may take together."""

    limits: Limits = Field(default_factory=Limits)
    """What a container gets that says nothing about it."""

    api_server: values.Flag = False
    """Whether teams' pods reach the API server, as Airflow's and Kubeflow's do, at the addresses in
    `cluster.apiServer`."""


class TeamQuota(Model):
    """What one team may take, where it differs from `workspaces.quota`."""

    cpu: values.Cpu | None = None
    """Instead of `workspaces.quota.cpu`."""

    memory: values.Size | None = None
    """Instead of `workspaces.quota.memory`."""

    storage: values.Size | None = None
    """Instead of `workspaces.quota.storage`."""

    pods: Annotated[int, whole(1, 10_000)] | None = None
    """Instead of `workspaces.quota.pods`."""


class TeamLimits(Model):
    """What a container of one team gets, where it differs from `workspaces.limits`."""

    cpu: values.Cpu | None = None
    """Instead of `workspaces.limits.cpu`."""

    memory: values.Size | None = None
    """Instead of `workspaces.limits.memory`."""

    cpu_request: values.Cpu | None = None
    """Instead of `workspaces.limits.cpuRequest`."""

    memory_request: values.Size | None = None
    """Instead of `workspaces.limits.memoryRequest`."""


class Team(Model):
    """One team: its name is the key in `teams`."""

    description: values.Description = ""
    """What MLflow shows beside the workspace's name."""

    groups: Groups | None = None
    """Who works in it; absent means that the group `<team>-mlflow-users` manages it."""

    service_accounts: tuple[values.Account, ...] = ()
    """Service accounts beside `mlflow-client` that read and write in the workspace: a name in the team's namespace, or
    `namespace/name`."""

    quota: TeamQuota = Field(default_factory=TeamQuota)
    """What it may take, where that differs from `workspaces.quota`."""

    limits: TeamLimits = Field(default_factory=TeamLimits)
    """What its containers get, where that differs from `workspaces.limits`."""

    archived: values.Flag = False
    """Whether everybody only reads, nothing runs, and removing the team from here deletes its namespace."""
