"""Undelete: a CronJob whose pod restores a team's rows as of an earlier second, and brings them back into the database.

The CronJob is suspended, so Kubernetes never starts it by itself: `make undelete` creates Jobs from it.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.database import scratch
from components.database.database import Database
from components.database.scratch import ScratchArgs
from components.kubernetes import networks, pods, volumes

core = k8s.core.v1
batch = k8s.batch.v1

# `make undelete` and docs/undelete.md have the name too.
NAME = "undelete"
LABELS = pods.labels(NAME)
CONTAINER = "undelete"
MODULES = (
    *("postgresql.py", "row_owners.py", "row_rules.py", "row_security.py", "scratch_restore.py"),
    *("team_exchange.py", "team_rows.py", "undelete.py"),
)
HOURS = 6
KEPT_HOURS = 24
READY = f"pg_isready --quiet --host={scratch.SOCKETS} --username=postgres"
# The team's rows go through in pieces.
RESOURCES = pods.Resources(cpu="100m", memory="128Mi", cpu_limit="2", memory_limit="512Mi")


@dataclass(frozen=True, kw_only=True, slots=True)
class UndeleteArgs:
    """Input of `Undelete`."""

    scratch: ScratchArgs
    database: Database


class Undelete(pulumi.ComponentResource):
    """The suspended CronJob of the undelete, its scripts and its NetworkPolicy."""

    def __init__(self, name: str, args: UndeleteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Undelete", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        backups = args.scratch.backups
        networks.open_flows(
            name,
            args.scratch.namespace,
            to_pods=LABELS,
            egress=[*backups.store.flows, *args.database.flows],
            opts=child,
        )
        files = scratch.files(args.scratch, name, MODULES, child)
        scratch.cron_job(
            NAME,
            args.scratch,
            LABELS,
            batch.CronJobSpecArgs(
                # A CronJob must have a schedule; suspended, it is never due.
                schedule="0 0 1 1 *",
                suspend=True,
                concurrency_policy="Forbid",
                job_template=scratch.job_template(
                    _pod(args, files), LABELS, args.scratch.scheduling, hours=HOURS, kept_hours=KEPT_HOURS
                ),
            ),
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[*backups.store.ready])),
        )
        self.register_outputs({})


def _pod(args: UndeleteArgs, files: pods.Attachment) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name=CONTAINER,
        image=args.scratch.image,
        command=["python3", f"{scratch.FOLDER}/undelete.py"],
        resources=RESOURCES.to_args(),
        termination_message_policy="FallbackToLogsOnError",
    )
    shared = pods.joined(
        scratch.volume(args.scratch),
        volumes.tmp("1Gi"),
        files,
        args.scratch.backups.store.attachment,
    )
    attachment = pods.joined(
        pods.Attachment(
            env=scratch.environment(
                args.scratch, {"SCRATCH": scratch.VOLUME, "MLFLOW_BACKEND_STORE_URI": args.database.owner.uri}
            )
        ),
        shared,
        args.database.owner.attachment,
    )
    pod = pods.hardened_pod(
        scratch.UID, container, attachment, pull_secrets=args.scratch.pull_secrets, restart_policy="Never"
    )
    pod.init_containers = [*attachment.init_containers, *_database(args, shared)]
    return pod


def _database(args: UndeleteArgs, shared: pods.Attachment) -> tuple[core.ContainerArgs, core.ContainerArgs]:
    """The init container that restores the scratch database, and the sidecar that serves it."""
    restore = core.ContainerArgs(
        name="restore",
        image=args.scratch.backups.image,
        command=["python3", f"{scratch.FOLDER}/scratch_restore.py"],
        resources=scratch.RESOURCES.to_args(),
        termination_message_policy="FallbackToLogsOnError",
    )
    probe = core.ProbeArgs(
        exec_=core.ExecActionArgs(command=["sh", "-c", READY]),
        period_seconds=2,
        timeout_seconds=5,
        failure_threshold=150,
    )
    serve = core.ContainerArgs(
        name="database",
        image=args.scratch.backups.image,
        # scratch.py has put its own settings beside the data.
        command=["postgres", "-D", f"{scratch.VOLUME}/pgdata"],
        restart_policy="Always",
        resources=scratch.RESOURCES.to_args(),
        startup_probe=probe,
        readiness_probe=probe,
        liveness_probe=probe,
    )
    environment = pods.Attachment(env=scratch.environment(args.scratch, {}))
    return (
        scratch.sidecar(restore, pods.joined(environment, shared)),
        scratch.sidecar(serve, pods.joined(environment, pods.Attachment(mounts=shared.mounts[:1]))),
    )
