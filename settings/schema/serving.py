"""The section `teams.<team>.serving`: registered models that are served."""

from typing import Annotated, Literal

from settings.schema.base import Model
from settings.types import values
from settings.types.kinds import whole


class Challenger(Model):
    """A second alias of the same model, which answers a share of the requests."""

    alias: values.Alias = "challenger"
    """Alias of the version that answers this share."""

    share: Annotated[int, whole(1, 99)]
    """Share of the requests, in percent; the other alias answers the rest."""

    replicas: Annotated[int, whole(1, 50)] = 1
    """Number of pods for this alias."""


class ServedModel(Model):
    """A registered model of the team that is served; its name is the key in `serving`."""

    kind: Literal["deployment", "kserve"] = "deployment"
    """`deployment` makes a Deployment and a Service; `kserve` an InferenceService, for a cluster that has KServe."""

    model: values.ModelName
    """Name of the registered model."""

    alias: values.Alias = "champion"
    """Alias of the version that is served. Pods are replaced when it points to another version."""

    image: values.Image
    """Image with Python, `mlflow[kubernetes]` 3.17 or later, and the packages that the model needs
    (docs/serving.md)."""

    pull_secrets: tuple[values.ObjectName, ...] = ()
    """Image pull Secrets in the team's namespace."""

    replicas: Annotated[int, whole(1, 50)] = 2
    """Number of pods. Two or more survive the loss of a node and have a PodDisruptionBudget."""

    cpu: values.Cpu = "250m"
    """CPU request per replica."""

    cpu_limit: values.Cpu = "1"
    """CPU limit per replica."""

    memory: values.Size = "512Mi"
    """Memory request per replica."""

    memory_limit: values.Size = "1Gi"
    """Memory limit per replica."""

    model_space: values.Size = "1Gi"
    """Disk space per replica for the model's files."""

    start_seconds: Annotated[int, whole(30, 3600)] = 300
    """Longest time in which a pod loads the model. A version that takes longer counts as broken."""

    namespaces: tuple[values.Namespace, ...] = ()
    """Namespaces whose pods may send requests, besides the team's own."""

    challenger: Challenger | None = None
    """A second alias that answers a share of the requests; absent means that all go to `alias`."""

    @property
    def pods(self) -> int:
        """Number of model pods, without those that replace others during a rolling update."""
        return self.replicas + (self.challenger.replicas if self.challenger else 0)
