"""Hardened pods: the pod and container settings that all workloads of the platform share.

`hardened_pod` builds every pod. As the Pod Security level `restricted` requires, a pod has a numeric non-root user and
no capabilities; beyond that level, it has a read-only root file system and no service-account token. A container that
has to write mounts a volume (components/kubernetes/volumes.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

core = k8s.core.v1

PART_OF = "mlflow-platform"
# The user `mlflow` in images/mlflow/Dockerfile.
MLFLOW_UID = 10001


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Requests and limits of one container, as Kubernetes quantities."""

    cpu: str
    """CPU request."""

    memory: str
    """Memory request."""

    cpu_limit: str
    memory_limit: str

    def to_args(self) -> core.ResourceRequirementsArgs:
        """The `resources` field of a container."""
        return core.ResourceRequirementsArgs(
            requests={"cpu": self.cpu, "memory": self.memory},
            limits={"cpu": self.cpu_limit, "memory": self.memory_limit},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """Environment variables, volume mounts, volumes and init containers that a container needs to use a service."""

    env: tuple[core.EnvVarArgs, ...] = ()
    mounts: tuple[core.VolumeMountArgs, ...] = ()
    volumes: tuple[core.VolumeArgs, ...] = ()
    """Volumes of the pod, which the mounts refer to."""

    init_containers: tuple[core.ContainerArgs, ...] = ()
    """Init containers and sidecars (init containers that keep running) of the pod."""


NOTHING = Attachment()


def joined(*attachments: Attachment) -> Attachment:
    """Merge several attachments into one. If several items have the same name or mount path, only the last one is kept.

    Kubernetes would refuse a pod with duplicates.
    """
    return Attachment(
        env=tuple({one.name: one for attachment in attachments for one in attachment.env}.values()),
        mounts=tuple({one.mount_path: one for attachment in attachments for one in attachment.mounts}.values()),
        volumes=tuple({one.name: one for attachment in attachments for one in attachment.volumes}.values()),
        init_containers=tuple(
            {one.name: one for attachment in attachments for one in attachment.init_containers}.values()
        ),
    )


def labels(component: str) -> dict[str, str]:
    """Labels of a component's objects, which are also the selector of its pods."""
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/part-of": PART_OF,
    }


def hardened_pod(
    uid: int,
    container: core.ContainerArgs,
    attachment: Attachment,
    *,
    pull_secrets: Sequence[str],
    service_account: pulumi.Input[str] | None = None,
    restart_policy: str | None = None,
    affinity: core.AffinityArgs | None = None,
    spread: Sequence[core.TopologySpreadConstraintArgs] | None = None,
    termination_seconds: int | None = None,
) -> core.PodSpecArgs:
    """The spec of a pod that runs `container` as the user `uid`, with `attachment`.

    The attachment replaces the environment and the mounts of `container`. The attachment's init containers are not
    hardened here: they must set their own security context.
    """
    container.env = [*attachment.env] or None
    container.volume_mounts = [*attachment.mounts]
    container.security_context = container_security()
    return core.PodSpecArgs(
        security_context=pod_security(uid),
        service_account_name=service_account,
        # Pods that call the API server or AWS mount a token of their own, in the one container that needs it.
        automount_service_account_token=False,
        # A Service called `mlflow` would set MLFLOW_PORT, which the server takes for its own option.
        enable_service_links=False,
        image_pull_secrets=[core.LocalObjectReferenceArgs(name=name) for name in pull_secrets] or None,
        restart_policy=restart_policy,
        affinity=affinity,
        topology_spread_constraints=None if spread is None else [*spread],
        termination_grace_period_seconds=termination_seconds,
        init_containers=[*attachment.init_containers] or None,
        containers=[container],
        volumes=[*attachment.volumes],
    )


def pod_security(uid: int) -> core.PodSecurityContextArgs:
    """A pod's security context for the Pod Security level `restricted`; the pod's volumes belong to the group `uid`."""
    return core.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=uid,
        run_as_group=uid,
        fs_group=uid,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security() -> core.SecurityContextArgs:
    """A container's security context for the Pod Security level `restricted`, with a read-only root file system."""
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
    )


def http_probe(path: str, port: int, *, period: int, failures: int, delay: int = 0, timeout: int = 5) -> core.ProbeArgs:
    """A probe by HTTP GET; `period`, `delay` and `timeout` are seconds.

    The default time-out leaves room for a server that is busy with a large request.
    """
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=path, port=port),
        initial_delay_seconds=delay,
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def tcp_probe(port: int, *, period: int, failures: int) -> core.ProbeArgs:
    """A probe that connects to `port` and sends nothing; `period` is in seconds."""
    return core.ProbeArgs(
        tcp_socket=core.TCPSocketActionArgs(port=port),
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )


def secret_env(variable: str, secret: "pulumi.Input[str] | k8s.core.v1.Secret", key: str) -> core.EnvVarArgs:
    """An environment variable whose value is the entry `key` of a Secret."""
    name = secret.metadata.name if isinstance(secret, core.Secret) else secret
    return core.EnvVarArgs(
        name=variable,
        value_from=core.EnvVarSourceArgs(secret_key_ref=core.SecretKeySelectorArgs(name=name, key=key)),
    )
