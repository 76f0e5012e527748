"""Scheduling: the nodes, priority, labels and image pull policy of the platform's pods.

`pod_template` makes every pod template of the platform, so that `Scheduling` applies to all of them. Selectors of
workloads have the platform's own labels only: selectors are immutable, and the stack file's labels may change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import pulumi_kubernetes as k8s

from components.kubernetes.availability import DOMAINS

core = k8s.core.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class Toleration:
    """A taint that pods tolerate."""

    key: str | None
    """Key of the taint; None tolerates all taints."""

    operator: str
    value: str | None
    effect: str | None
    """Effect of the taint; None means all effects."""

    seconds: int | None
    """Seconds for which a taint with the effect `NoExecute` is tolerated; None means for ever."""

    def to_args(self) -> core.TolerationArgs:
        """The toleration as a field of a pod."""
        return core.TolerationArgs(
            key=self.key,
            operator=self.operator,
            value=self.value,
            effect=self.effect,
            toleration_seconds=self.seconds,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduling:
    """Nodes, priority, labels, annotations and image pull policy of pods; the default leaves them to Kubernetes."""

    node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of the nodes on which pods may run; empty means all nodes."""

    tolerations: Sequence[Toleration] = ()
    priority_class: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of pods, in addition to the platform's, which cannot be overridden."""

    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    """Annotations of pods, in addition to the platform's, which cannot be overridden."""

    image_pull_policy: str | None = None
    topology_keys: Sequence[str] = DOMAINS
    """Node labels over whose values replicas are spread."""


ANYWHERE = Scheduling()


def pod_template(
    pod: core.PodSpecArgs,
    labels: Mapping[str, str],
    scheduling: Scheduling,
    *,
    annotations: Mapping[str, str] | None = None,
) -> core.PodTemplateSpecArgs:
    """The template of pods with the platform's `labels` and `annotations`."""
    every = {**scheduling.annotations, **(annotations or {})}
    return core.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(labels={**scheduling.labels, **labels}, annotations=every or None),
        spec=scheduled(pod, scheduling),
    )


def scheduled(pod: core.PodSpecArgs, scheduling: Scheduling) -> core.PodSpecArgs:
    """The same pod with nodes, tolerations, priority and image pull policy."""
    pod.node_selector = {**scheduling.node_selector} or None
    pod.tolerations = [one.to_args() for one in scheduling.tolerations] or None
    pod.priority_class_name = scheduling.priority_class
    if scheduling.image_pull_policy is not None:
        # An init container too: a sidecar is one, and runs as long as the pod.
        for container in _containers(pod):
            container.image_pull_policy = scheduling.image_pull_policy
    return pod


def _containers(pod: core.PodSpecArgs) -> list[core.ContainerArgs]:
    return [
        *cast("list[core.ContainerArgs]", pod.containers),
        *cast("list[core.ContainerArgs]", pod.init_containers or []),
    ]
