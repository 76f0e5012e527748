"""Settings that keep a Deployment available while pods are replaced, nodes are drained and zones fail."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

core = k8s.core.v1

# `preferred` spreads pods where the scheduler can; `required` leaves a pod Pending that cannot be spread.
Spread = Literal["preferred", "required"]

# Labels that every node of a managed cluster has (kubernetes.io/docs/reference/labels-annotations-taints).
DOMAINS = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
# Seconds for which a terminating pod keeps answering, until every proxy has removed it from its endpoints. Traefik
# alone waits two seconds (`providersThrottleDuration`) after each change of the endpoints.
DRAIN_SECONDS = 15


def spread(
    labels: Mapping[str, str], strictness: Spread, domains: Sequence[str] = DOMAINS
) -> list[core.TopologySpreadConstraintArgs]:
    """Topology spread constraints for the pods with `labels`, over the values of each node label in `domains`."""
    return [
        core.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=domain,
            when_unsatisfiable="ScheduleAnyway" if strictness == "preferred" else "DoNotSchedule",
            label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
            # Pods of the old ReplicaSet do not count during a rolling update.
            match_label_keys=["pod-template-hash"],
        )
        for domain in domains
    ]


def disruption_budget(
    name: str,
    namespace: pulumi.Input[str],
    *,
    labels: Mapping[str, str],
    replicas: int,
    opts: pulumi.ResourceOptions,
) -> None:
    """Create a PodDisruptionBudget that allows evicting one pod at a time; with one replica, create none."""
    if replicas <= 1:
        return
    k8s.policy.v1.PodDisruptionBudget(
        f"{name}-disruption-budget",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, labels=labels),
        spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
            max_unavailable=1,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
            # A pod that is not ready serves nobody; unless it may be evicted, its node can never be drained.
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=opts,
    )


def drain() -> core.LifecycleArgs:
    """A preStop hook that keeps the container serving for `DRAIN_SECONDS` after its pod began to terminate."""
    return core.LifecycleArgs(pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=DRAIN_SECONDS)))
