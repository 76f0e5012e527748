"""What the pods of a team may take of the cluster, and what a container gets that asks for nothing."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

core = k8s.core.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """What all pods and claims of a namespace may take together, in Kubernetes quantities."""

    cpu: str
    """Sum of the CPU limits."""

    memory: str
    """Sum of the memory limits."""

    storage: str
    """Sum of the volumes claimed."""

    pods: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerDefaults:
    """Requests and limits of a container that names none."""

    cpu: str
    """Limit of CPU."""

    memory: str
    """Limit of memory."""

    cpu_request: str
    memory_request: str


def bound(
    name: str, namespace: pulumi.Input[str], quota: Quota, defaults: ContainerDefaults, opts: pulumi.ResourceOptions
) -> None:
    """Set the quota of a namespace, and the defaults without which the quota would refuse careless pods.

    Limits are counted, not requests: they bound both, because no request is above its limit.
    """
    # Explicit names: a refusal of Kubernetes repeats them.
    core.LimitRange(
        f"{name}-limits",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name="team-limits"),
        spec=core.LimitRangeSpecArgs(
            limits=[
                core.LimitRangeItemArgs(
                    type="Container",
                    default={"cpu": defaults.cpu, "memory": defaults.memory},
                    default_request={"cpu": defaults.cpu_request, "memory": defaults.memory_request},
                )
            ]
        ),
        opts=opts,
    )
    core.ResourceQuota(
        f"{name}-quota",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name="team-quota"),
        spec=core.ResourceQuotaSpecArgs(
            hard={
                "limits.cpu": quota.cpu,
                "limits.memory": quota.memory,
                "requests.storage": quota.storage,
                "pods": str(quota.pods),
                # A port of every node, or an address at the cloud, would be a door beside the ingress.
                "services.nodeports": "0",
                "services.loadbalancers": "0",
            }
        ),
        opts=opts,
    )
