"""What keeps a Deployment answering while its pods end, and while nodes or zones go away."""

from collections.abc import Mapping
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

core = k8s.core.v1

# Preferred places pods apart where it can; required leaves a pod waiting that would stand beside another.
Spread = Literal["preferred", "required"]

# Labels that every node of a managed cluster has (kubernetes.io/docs/reference/labels-annotations-taints).
DOMAINS = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
# Seconds that a pod which was asked to end keeps answering, until every proxy has taken it out of its list. Traefik
# alone waits two (`providersThrottleDuration`) after the endpoints changed, and again after each change before.
DRAIN_SECONDS = 15


def spread(labels: Mapping[str, str], how: Spread) -> list[core.TopologySpreadConstraintArgs]:
    """Over nodes, and over zones."""
    return [
        core.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=domain,
            when_unsatisfiable="ScheduleAnyway" if how == "preferred" else "DoNotSchedule",
            label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
            # Those that a rolling update is about to end do not count.
            match_label_keys=["pod-template-hash"],
        )
        for domain in DOMAINS
    ]


def disruption_budget(
    name: str,
    namespace: pulumi.Input[str],
    *,
    labels: Mapping[str, str],
    replicas: int,
    opts: pulumi.ResourceOptions,
) -> None:
    """Let nodes be drained one pod at a time; with one replica any number of pods is already all of them."""
    if replicas <= 1:
        return
    k8s.policy.v1.PodDisruptionBudget(
        f"{name}-disruption-budget",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, labels=labels),
        spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
            max_unavailable=1,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
            # A pod that is not ready serves nobody: it may go, or a node with a broken one could never be drained.
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=opts,
    )


def drain() -> core.LifecycleArgs:
    """Keep a container serving for `DRAIN_SECONDS` after its pod was asked to end."""
    return core.LifecycleArgs(pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=DRAIN_SECONDS)))
