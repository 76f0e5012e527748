"""The section `scheduling`, and a team's differences from it for the pods that serve the team's models."""

from typing import Annotated, Literal

from pydantic import Field

from settings.schema.base import Model
from settings.types import values
from settings.types.kinds import whole

PullPolicy = Literal["Always", "IfNotPresent", "Never"]
SECONDS = whole(0, 31_536_000)


class Toleration(Model):
    """A toleration of a node taint, with the same keys as in a pod's specification."""

    key: values.LabelName | None = None
    """Key of the taint; absent means all taints, with operator `Exists`."""

    operator: Literal["Equal", "Exists"] = "Equal"
    """`Equal` tolerates taints with this value, `Exists` taints with any value."""

    value: values.LabelValue | None = None
    """Value of the taint, with operator `Equal`."""

    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; absent means all effects."""

    toleration_seconds: Annotated[int, SECONDS] | None = None
    """Seconds after which the pod is evicted, with effect `NoExecute`; absent means never."""


class Scheduling(Model):
    """Nodes, priority, labels and image pull policy of every pod of the platform."""

    node_selector: dict[values.LabelName, values.LabelValue] = Field(default_factory=dict[str, str])
    """Labels of the nodes on which pods may run."""

    tolerations: tuple[Toleration, ...] = ()
    """Taints of nodes that pods tolerate."""

    priority_class: values.PriorityClass | None = None
    """PriorityClass of the pods."""

    labels: dict[values.OwnLabel, values.LabelValue] = Field(default_factory=dict[str, str])
    """Labels of the pods, in addition to the platform's, for example for cost allocation."""

    annotations: dict[values.PodAnnotation, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of the pods, in addition to the platform's."""

    image_pull_policy: PullPolicy | None = None
    """`imagePullPolicy` of all containers; absent means Kubernetes' default, which is `IfNotPresent` for images with a
    version."""

    topology_keys: tuple[values.LabelName, ...] = ()
    """Node labels over whose values replicas are spread. Empty means nodes and zones: `kubernetes.io/hostname` and
    `topology.kubernetes.io/zone`."""


class TeamScheduling(Model):
    """Differences from `scheduling` for the pods that serve a team's models; each key replaces the whole value."""

    node_selector: dict[values.LabelName, values.LabelValue] | None = None
    """Overrides `scheduling.nodeSelector`."""

    tolerations: tuple[Toleration, ...] | None = None
    """Overrides `scheduling.tolerations`."""

    priority_class: values.PriorityClass | None = None
    """Overrides `scheduling.priorityClass`."""

    labels: dict[values.OwnLabel, values.LabelValue] | None = None
    """Overrides `scheduling.labels`."""

    annotations: dict[values.PodAnnotation, values.Plain] | None = None
    """Overrides `scheduling.annotations`."""

    image_pull_policy: PullPolicy | None = None
    """Overrides `scheduling.imagePullPolicy`."""

    topology_keys: tuple[values.LabelName, ...] | None = None
    """Overrides `scheduling.topologyKeys`."""
