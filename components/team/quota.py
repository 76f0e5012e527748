"""ResourceQuota and LimitRange of a team's namespace."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

core = k8s.core.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class NamespaceQuota:
    """Limits for all pods and PersistentVolumeClaims of a namespace together, as Kubernetes quantities."""

    cpu: str
    """Maximum sum of the CPU limits of all pods in the namespace."""

    memory: str
    """Maximum sum of the memory limits of all pods in the namespace."""

    storage: str
    """Maximum sum of the storage requests of all PersistentVolumeClaims in the namespace."""

    pods: int
    gpus: int | None = None
    """Maximum number of NVIDIA GPUs of all pods in the namespace; None for no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerDefaults:
    """Default requests and limits of a container."""

    cpu: str
    """Default CPU limit."""

    memory: str
    """Default memory limit."""

    cpu_request: str
    memory_request: str


def limit_namespace(
    name: str,
    namespace: pulumi.Input[str],
    quota: NamespaceQuota,
    defaults: ContainerDefaults,
    opts: pulumi.ResourceOptions,
) -> None:
    """Create the ResourceQuota of a namespace, and a LimitRange with defaults for containers that set no limits.

    Without these defaults the quota would refuse pods without limits. For CPU and memory the quota counts limits and
    not requests, because no request is larger than its limit.
    """
    # Explicit names: Kubernetes' error messages contain them.
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
                # A node port or a load balancer would expose pods without the ingress controller.
                "services.nodeports": "0",
                "services.loadbalancers": "0",
                **({} if quota.gpus is None else {"requests.nvidia.com/gpu": str(quota.gpus)}),
            }
        ),
        opts=opts,
    )
