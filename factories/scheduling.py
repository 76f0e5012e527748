"""Conversion of the sections `scheduling` to the input of components."""

from components.kubernetes import scheduling as pods
from components.kubernetes.availability import DOMAINS
from settings.schema.scheduling import Scheduling, Toleration


def scheduling(section: Scheduling) -> pods.Scheduling:
    """The section `scheduling` as the input of components."""
    return pods.Scheduling(
        node_selector=section.node_selector,
        tolerations=tuple(map(_toleration, section.tolerations)),
        priority_class=section.priority_class,
        labels=section.labels,
        annotations=section.annotations,
        image_pull_policy=section.image_pull_policy,
        topology_keys=section.topology_keys or DOMAINS,
    )


def _toleration(one: Toleration) -> pods.Toleration:
    return pods.Toleration(
        key=one.key, operator=one.operator, value=one.value, effect=one.effect, seconds=one.toleration_seconds
    )
