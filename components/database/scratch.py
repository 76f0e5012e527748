"""The scratch database of a proof and of an undelete, restored from the backups in the pod itself.

Its volume is deleted with the pod. It listens on a socket in that volume only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.database.backups import Backups
from components.kubernetes import pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template
from components.kubernetes.script_job import IGNORE_DISRUPTION
from components.scripts import script

core = k8s.core.v1
batch = k8s.batch.v1

VOLUME = "/scratch"
SOCKETS = f"{VOLUME}/run"
FOLDER = "/etc/scratch"
# The user of PostgreSQL and of its backups.
UID = 999
# Modules of components/scripts that restore a backup.
MODULES = ("backup_ranges.py", "backup_store.py", "scratch.py")
# PostgreSQL's shared buffers are 128 MB; the rest is barman-cloud's, which reads the backup as a stream.
RESOURCES = pods.Resources(cpu="100m", memory="256Mi", cpu_limit="2", memory_limit="1Gi")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScratchArgs:
    """Input of the components that restore a backup in a pod."""

    namespace: pulumi.Input[str]
    image: str
    """The server's image."""

    pull_secrets: tuple[str, ...] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    backups: Backups
    """Store of the backups, and the image with the programs that restore them."""

    storage: str
    """Size limit of the scratch database, as a Kubernetes quantity: the size of the database's volume."""

    storage_class: str | None = None
    """None means the cluster's default storage class."""

    on_node: bool = True
    """True for the node's disk, False for a volume of the storage class."""


def environment(args: ScratchArgs, more: Mapping[str, pulumi.Input[str]]) -> tuple[core.EnvVarArgs, ...]:
    """Environment variables of the containers that restore, including those in `more`."""
    store = args.backups.store
    variables: dict[str, pulumi.Input[str]] = {
        "PGDATA": f"{VOLUME}/pgdata",
        # The user has no home directory in these images.
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod
        "BACKUP_BUCKET": store.bucket,
        **({} if store.endpoint_url is None else {"BACKUP_ENDPOINT_URL": store.endpoint_url}),
        **more,
    }
    return tuple(core.EnvVarArgs(name=name, value=value) for name, value in variables.items())


def volume(args: ScratchArgs) -> pods.Attachment:
    """The volume of the scratch database, at `VOLUME`."""
    if args.on_node:
        return volumes.scratch("scratch", VOLUME, args.storage)
    return volumes.ephemeral("scratch", VOLUME, args.storage, args.storage_class)


def files(args: ScratchArgs, name: str, modules: tuple[str, ...], opts: pulumi.ResourceOptions) -> pods.Attachment:
    """A mount at `FOLDER` of the scripts `modules` and of the scripts that restore."""
    scripts = core.ConfigMap(
        f"{name}-scripts",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
        data={file: script(file) for file in sorted({*MODULES, *modules})},
        opts=opts,
    )
    return volumes.config_map_files("scripts", scripts.metadata.name, FOLDER)


def sidecar(
    container: core.ContainerArgs, attachment: pods.Attachment, *, uid: int | None = None
) -> core.ContainerArgs:
    """Harden a sidecar or init container, and add the attachment; it runs as the user `uid` instead of the pod's."""
    container.env = [*attachment.env] or None
    container.volume_mounts = [*attachment.mounts]
    security = pods.container_security()
    if uid is not None:
        security.run_as_user = security.run_as_group = uid
    container.security_context = security
    return container


def cron_job(
    name: str, args: ScratchArgs, labels: dict[str, str], spec: batch.CronJobSpecArgs, opts: pulumi.ResourceOptions
) -> batch.CronJob:
    """A CronJob with a fixed name in Kubernetes, because `make` creates Jobs from it."""
    return batch.CronJob(
        f"{name}-job",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=name, labels=labels),
        spec=spec,
        opts=opts,
    )


def job_template(
    pod: core.PodSpecArgs, labels: dict[str, str], scheduling: Scheduling, *, hours: int, kept_hours: int
) -> batch.JobTemplateSpecArgs:
    """Template of a Job that runs once, for at most `hours`, and is deleted `kept_hours` after its end."""
    return batch.JobTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels),
        spec=batch.JobSpecArgs(
            # A second attempt would give the same result, and hide the first one.
            backoff_limit=0,
            pod_failure_policy=IGNORE_DISRUPTION,
            active_deadline_seconds=hours * 3600,
            ttl_seconds_after_finished=kept_hours * 3600,
            template=pod_template(pod, labels, scheduling),
        ),
    )
