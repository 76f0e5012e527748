"""The nightly proof: a CronJob that restores the newest backup in its pod and compares the rows with the census.

The census is taken with each backup and contains counts and hashes of all rows. The pod can connect only to the
backups' store and to the artifact store, not to the database.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.database import scratch
from components.database.scratch import ScratchArgs
from components.kubernetes import networks, pods, volumes

core = k8s.core.v1
batch = k8s.batch.v1

# `make prove` and docs/proof.md have the name too.
NAME = "prove-backup"
LABELS = pods.labels(NAME)
MODULES = (
    *("backup_census.py", "proof_artifacts.py", "proof_rows.py", "proof_server.py", "prove.py", "row_rules.py"),
    "serve_scratch.sh",
)
# Hours after the base backup: by then it has ended, or the proof is about the one before.
HOURS_LATER = 1
# The longest that a proof may take.
HOURS = 6
# Failed and successful Jobs can be looked at for a week.
KEPT_HOURS = 7 * 24
# MLflow with one worker takes 450 MiB.
SERVER_RESOURCES = pods.Resources(cpu="100m", memory="512Mi", cpu_limit="2", memory_limit="1Gi")
ANSWERS = "import urllib.request as u; u.urlopen('http://127.0.0.1:5000/health', timeout=4)"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactReader:
    """Access to the artifacts, in separate variables, because the container also has the access key of the backups."""

    uri: pulumi.Input[str]
    """URI of the root of all artifacts."""

    attachment: pods.Attachment
    flows: tuple[networks.Flow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupProofArgs:
    """Input of `BackupProof`."""

    scratch: ScratchArgs
    artifacts: ArtifactReader


def schedule(hour: int) -> str:
    """Cron schedule of the proof, in UTC; `hour` is the hour of the base backup."""
    return f"0 {(hour + HOURS_LATER) % 24} * * *"


def own_variables(attachment: pods.Attachment) -> pods.Attachment:
    """A copy of an artifact store's attachment whose variables begin with `ARTIFACTS_`, for proof_artifacts.py."""
    names = {
        "AWS_ACCESS_KEY_ID": "ARTIFACTS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY": "ARTIFACTS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION": "ARTIFACTS_REGION",
        "AWS_CA_BUNDLE": "ARTIFACTS_CA_BUNDLE",
        "MLFLOW_S3_ENDPOINT_URL": "ARTIFACTS_ENDPOINT_URL",
    }
    return pods.Attachment(
        env=tuple(
            core.EnvVarArgs(name=names[str(one.name)], value=one.value, value_from=one.value_from)
            for one in attachment.env
            if str(one.name) in names
        ),
        mounts=attachment.mounts,
        volumes=attachment.volumes,
    )


def with_key(attachment: pods.Attachment, secret: core.Secret) -> pods.Attachment:
    """A copy of the attachment with the access key in `secret`."""
    names = {"ARTIFACTS_ACCESS_KEY_ID": "access-key-id", "ARTIFACTS_SECRET_ACCESS_KEY": "secret-access-key"}
    key = tuple(pods.secret_env(name, secret, entry) for name, entry in names.items())
    return pods.joined(attachment, pods.Attachment(env=key))


class BackupProof(pulumi.ComponentResource):
    """The CronJob that proves backups, its scripts and its NetworkPolicy."""

    def __init__(self, name: str, args: BackupProofArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:BackupProof", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        backups = args.scratch.backups
        networks.open_flows(
            name,
            args.scratch.namespace,
            to_pods=LABELS,
            egress=[*backups.store.flows, *args.artifacts.flows],
            opts=child,
        )
        files = scratch.files(args.scratch, name, MODULES, child)
        scratch.cron_job(
            NAME,
            args.scratch,
            LABELS,
            batch.CronJobSpecArgs(
                schedule=schedule(backups.hour),
                time_zone="Etc/UTC",
                concurrency_policy="Forbid",
                starting_deadline_seconds=3600,
                successful_jobs_history_limit=1,
                failed_jobs_history_limit=3,
                job_template=scratch.job_template(
                    _pod(args, files), LABELS, args.scratch.scheduling, hours=HOURS, kept_hours=KEPT_HOURS
                ),
            ),
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[*backups.store.ready])),
        )
        self.register_outputs({})


def _pod(args: BackupProofArgs, files: pods.Attachment) -> core.PodSpecArgs:
    backups = args.scratch.backups
    container = core.ContainerArgs(
        name="prove",
        image=backups.image,
        command=["python3", f"{scratch.FOLDER}/prove.py"],
        resources=scratch.RESOURCES.to_args(),
        termination_message_policy="FallbackToLogsOnError",
    )
    attachment = pods.joined(
        pods.Attachment(env=scratch.environment(args.scratch, {"ARTIFACTS_DESTINATION": args.artifacts.uri})),
        scratch.volume(args.scratch),
        volumes.tmp("1Gi"),
        files,
        args.artifacts.attachment,
        backups.store.attachment,
    )
    pod = pods.hardened_pod(
        scratch.UID, container, attachment, pull_secrets=args.scratch.pull_secrets, restart_policy="Never"
    )
    server, volume = _server(args, files)
    pod.init_containers = [*attachment.init_containers, server]
    pod.volumes = [*attachment.volumes, volume]
    return pod


def _server(args: BackupProofArgs, files: pods.Attachment) -> tuple[core.ContainerArgs, core.VolumeArgs]:
    """A sidecar with MLflow on the scratch database, which starts once the database is ready, and its /tmp volume."""
    answers = core.ProbeArgs(
        exec_=core.ExecActionArgs(command=["python3", "-c", ANSWERS]),
        period_seconds=30,
        timeout_seconds=10,
        # It waits for the restore: killed meanwhile, it waits again.
        failure_threshold=60,
    )
    container = core.ContainerArgs(
        name="mlflow",
        image=args.scratch.image,
        command=["sh", f"{scratch.FOLDER}/serve_scratch.sh"],
        restart_policy="Always",
        resources=SERVER_RESOURCES.to_args(),
        readiness_probe=answers,
        liveness_probe=answers,
    )
    variables = {
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg://mlflow@/mlflow?host={scratch.SOCKETS}",
    }
    mounts = (
        core.VolumeMountArgs(name="scratch", mount_path=scratch.VOLUME, read_only=True),
        core.VolumeMountArgs(name="server-tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
        *files.mounts,
    )
    attachment = pods.Attachment(
        env=tuple(core.EnvVarArgs(name=name, value=value) for name, value in variables.items()), mounts=mounts
    )
    return scratch.sidecar(container, attachment, uid=pods.MLFLOW_UID), volumes.empty_dir("server-tmp", "256Mi")
