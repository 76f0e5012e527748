"""What every pod of the platform has in common: labels, the `restricted` Pod Security posture, sizes.

Every container runs as a numbered user, without capabilities, on a read-only root file system. A component
that needs to write mounts a volume for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

core = k8s.core.v1

PART_OF = "mlflow-platform"
# `mlflow` in images/mlflow/Dockerfile.
MLFLOW_UID = 10001


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Requests and limits of one container, in Kubernetes quantities."""

    cpu: str
    """Requested CPU."""

    memory: str
    """Requested memory."""

    cpu_limit: str
    memory_limit: str

    def to_args(self) -> core.ResourceRequirementsArgs:
        """The same as Kubernetes writes it."""
        return core.ResourceRequirementsArgs(
            requests={"cpu": self.cpu, "memory": self.memory},
            limits={"cpu": self.cpu_limit, "memory": self.memory_limit},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """What a container is given to use a service: environment, files, and the volumes of its pod that hold them."""

    env: tuple[core.EnvVarArgs, ...] = ()
    mounts: tuple[core.VolumeMountArgs, ...] = ()
    volumes: tuple[core.VolumeArgs, ...] = ()
    init_containers: tuple[core.ContainerArgs, ...] = ()
    """What runs in the pod before the container."""


NOTHING = Attachment()


def joined(*attachments: Attachment) -> Attachment:
    """Several attachments of one container: of what has the same name or place, the last one counts.

    Kubernetes refuses a variable, a mount or a volume that is there twice.
    """
    return Attachment(
        env=tuple({one.name: one for given in attachments for one in given.env}.values()),
        mounts=tuple({one.mount_path: one for given in attachments for one in given.mounts}.values()),
        volumes=tuple({one.name: one for given in attachments for one in given.volumes}.values()),
        init_containers=tuple({one.name: one for given in attachments for one in given.init_containers}.values()),
    )


def labels(component: str) -> dict[str, str]:
    """Labels of everything that belongs to one component; also its pod selector."""
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/part-of": PART_OF,
    }


def pod_security(uid: int) -> core.PodSecurityContextArgs:
    """A pod-level security context that the `restricted` level admits, with volumes owned by `uid`."""
    return core.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=uid,
        run_as_group=uid,
        fs_group=uid,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security() -> core.SecurityContextArgs:
    """A container-level security context that the `restricted` level admits."""
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
    )


def drain_is_no_failure() -> k8s.batch.v1.PodFailurePolicyArgs:
    """For Jobs: a pod that goes with its node is none of the tries."""
    return k8s.batch.v1.PodFailurePolicyArgs(
        rules=[
            k8s.batch.v1.PodFailurePolicyRuleArgs(
                action="Ignore",
                on_pod_conditions=[
                    k8s.batch.v1.PodFailurePolicyOnPodConditionsPatternArgs(type="DisruptionTarget", status="True")
                ],
            )
        ]
    )


def http_probe(path: str, port: int, *, period: int, failures: int, delay: int = 0) -> core.ProbeArgs:
    """A probe by HTTP GET; `period` and `delay` in seconds.

    The time-out of five seconds leaves room for a server that is busy with a large request.
    """
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=path, port=port),
        initial_delay_seconds=delay,
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )


def secret_env(variable: str, secret: "pulumi.Input[str] | k8s.core.v1.Secret", key: str) -> core.EnvVarArgs:
    """An environment variable whose value stays in a Secret."""
    name = secret.metadata.name if isinstance(secret, core.Secret) else secret
    return core.EnvVarArgs(
        name=variable,
        value_from=core.EnvVarSourceArgs(secret_key_ref=core.SecretKeySelectorArgs(name=name, key=key)),
    )


def pull_secrets(names: Sequence[str]) -> list[core.LocalObjectReferenceArgs] | None:
    """The Secrets that a pod's images are pulled with; None where a registry asks for none."""
    return [core.LocalObjectReferenceArgs(name=name) for name in names] or None


def scratch(name: str, limit: str) -> core.VolumeArgs:
    """An empty volume for temporary files, gone with the pod; `limit` as a Kubernetes quantity."""
    return core.VolumeArgs(name=name, empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=limit))
