"""Backups of the PostgreSQL in the cluster: a sidecar that sends write-ahead log and base backups to an S3 store.

PostgreSQL copies each finished file of its write-ahead log into a directory of its volume. The sidecar sends these
files to the store, takes a base backup each night, and deletes old backups. It runs as the same user as PostgreSQL,
because it reads PostgreSQL's data and connects to PostgreSQL's socket. Only the sidecar has the store's access key, not
PostgreSQL's container.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods, volumes
from components.scripts import script
from components.sizes import BACKUP_MEMORY

core = k8s.core.v1

CONTAINER = "backup"
FOLDER = "/etc/backup"
# Pod of a restore; `tools/backups` makes it from the sidecar.
RESTORE_LABELS = pods.labels("postgres-restore")
FILES = (
    *("backup.py", "backup_base.py", "backup_census.py", "backup_ranges.py", "backup_restore.py", "backup_spool.py"),
    *("backup_store.py", "backup_volume.py", "row_rules.py"),
)
# In postgres.sh, the place where its options are complete.
BEFORE = "# Ten minutes: after a crash the log is replayed first.\n"
# The sidecar writes the file in each step; the longest one sends a file of the log, for five minutes at most.
ALIVE = "/tmp/alive"  # noqa: S108 - a volume of the pod
RESOURCES = pods.Resources(cpu="50m", memory="128Mi", cpu_limit="1", memory_limit=BACKUP_MEMORY)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupStore:
    """A bucket for backups, and the settings and connections that the sidecar needs."""

    bucket: str
    endpoint_url: str | None
    """URL of the store; None means AWS."""

    attachment: pods.Attachment
    """Environment variables of the access key and the region, and the store's CA certificate."""

    flows: tuple[networks.Flow, ...]
    """Connections to the store."""

    ready: tuple[pulumi.Resource, ...] = ()
    """Resources that must exist before a pod reads the access key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backups:
    """Store, schedule and retention of the backups."""

    image: str
    """Image with PostgreSQL of the same major version, and barman-cloud."""

    store: BackupStore
    days: int
    """Days for which backups are kept; any second of them can be restored."""

    hour: int
    """Hour of the nightly base backup, in UTC."""


def start_script() -> str:
    """The start script of PostgreSQL's container, with the options that archive the write-ahead log.

    Raises:
        ValueError: the script lacks the line before which the options belong.
    """
    text = script("postgres.sh")
    if text.count(BEFORE) != 1:
        raise ValueError(f"postgres.sh has no line {BEFORE!r}, before which the options of the archive belong")
    return text.replace(BEFORE, script("archiving.sh") + BEFORE)


def scripts(name: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> core.ConfigMap:
    """A ConfigMap with the sidecar's program."""
    return core.ConfigMap(
        f"{name}-backup-scripts",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
        data={file: script(file) for file in FILES},
        opts=opts,
    )


def restore_network(
    name: str, namespace: pulumi.Input[str], store: BackupStore, opts: pulumi.ResourceOptions
) -> k8s.networking.v1.NetworkPolicy:
    """A NetworkPolicy that lets the pod of a restore connect to the store."""
    return networks.open_flows(f"{name}-restore", namespace, to_pods=RESTORE_LABELS, egress=store.flows, opts=opts)


def add_sidecar(
    pod: core.PodSpecArgs,
    backups: Backups,
    program: pulumi.Input[str],
    *,
    shared: Sequence[pods.Attachment],
    pgdata: str,
) -> None:
    """Add the sidecar to PostgreSQL's pod.

    Args:
        pod: PostgreSQL's pod.
        backups: store, schedule and retention of the backups.
        program: name of the ConfigMap with the sidecar's program.
        shared: mounts that PostgreSQL's container has too: its volume, the directory of its socket, and its
            configuration, which is a part of a base backup.
        pgdata: path of the data directory.
    """
    own = pods.joined(
        # Parts of a base backup on their way to the store: barman-cloud makes them of 20 MiB each.
        volumes.scratch("backup-tmp", "/tmp", "1Gi"),  # noqa: S108 - a volume of the pod
        volumes.config_map_files("backup-scripts", program, FOLDER),
        backups.store.attachment,
    )
    container = _container(backups, pods.joined(pods.Attachment(env=_environment(backups, pgdata)), *shared, own))
    pod.containers = [*cast("list[core.ContainerArgs]", pod.containers), container]
    pod.volumes = [*cast("list[core.VolumeArgs]", pod.volumes), *own.volumes]
    pod.init_containers = [*own.init_containers] or None


def _container(backups: Backups, attachment: pods.Attachment) -> core.ContainerArgs:
    return core.ContainerArgs(
        name=CONTAINER,
        image=backups.image,
        command=["python3", f"{FOLDER}/backup.py", "serve"],
        env=[*attachment.env],
        volume_mounts=[*attachment.mounts],
        resources=RESOURCES.to_args(),
        security_context=pods.container_security(),
        startup_probe=_probe(f"test -e {ALIVE}", failures=60),
        # Whatever the store does, the sidecar stays ready: PostgreSQL's Service follows the whole pod.
        readiness_probe=_probe(f"test -e {ALIVE}", failures=3),
        liveness_probe=_probe(f'test -n "$(find {ALIVE} -mmin -10)"', failures=6),
    )


def _probe(command: str, *, failures: int) -> core.ProbeArgs:
    return core.ProbeArgs(
        exec_=core.ExecActionArgs(command=["sh", "-c", command]),
        period_seconds=10,
        timeout_seconds=5,
        failure_threshold=failures,
    )


def _environment(backups: Backups, pgdata: str) -> tuple[core.EnvVarArgs, ...]:
    variables = {
        "PGDATA": pgdata,
        "PGHOST": "/var/run/postgresql",
        "PGUSER": "postgres",
        # The user has no home directory in this image.
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod
        "BACKUP_BUCKET": backups.store.bucket,
        "BACKUP_DAYS": str(backups.days),
        "BACKUP_HOUR": str(backups.hour),
        **({} if backups.store.endpoint_url is None else {"BACKUP_ENDPOINT_URL": backups.store.endpoint_url}),
    }
    return tuple(core.EnvVarArgs(name=name, value=value) for name, value in variables.items())
