"""Retention: a CronJob that deletes for good what teams deleted long ago, and deletes or archives old traces."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.artifacts.artifact_store import ArtifactStore
from components.database.database import Database
from components.kubernetes import pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.kubernetes.script_cron_job import daily, script_cron_job
from components.kubernetes.script_job import IGNORE_DISRUPTION, ScriptJobArgs
from components.mlflow.args import SERVICE_ACCOUNT
from components.mlflow.migration import SINGLE_WORKSPACE, server_affinity

core = k8s.core.v1

NAME = "retention"
LABELS = pods.labels(NAME)
# Importing MLflow's stores takes 300 MiB; the rest does not depend on how much is deleted.
RESOURCES = pods.Resources(cpu="50m", memory="384Mi", cpu_limit="1", memory_limit="768Mi")
# A night. What is left then is deleted in the next one.
MINUTES = 360
# Each store has a pool; a second connection is for a call that is inside of another one.
CONNECTIONS = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """Ages in days after which data of a team is deleted or archived; None means never."""

    deleted_days: int | None
    """Days from the deletion of a run, an experiment or a logged model until it is deleted for good."""

    trace_days: int | None
    """Days from the start of a trace until it is deleted."""

    archive_days: int | None
    """Days from the start of a trace until its spans move from the database to the artifact store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionArgs:
    """Input of `Retention`."""

    namespace: pulumi.Input[str]
    image: str
    """The server's image."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    database: Database
    artifact_store: ArtifactStore
    trust: pods.Attachment = pods.NOTHING
    """Mounts the company's CA certificates, which may have signed the certificates of database and artifact store."""

    teams: Mapping[str, Days]
    """Days by team, in the order in which the teams are processed."""

    multi_tenant: bool
    """False if MLflow runs without workspaces."""

    hour: int
    """The CronJob starts at 30 minutes past this hour, in UTC."""

    suspended: bool = False
    """True suspends the CronJob, while only an administrator may write to the database."""

    ready: Sequence[pulumi.Resource]
    """Resources that must exist before the first run: the migration."""


class Retention(pulumi.ComponentResource):
    """The CronJob `retention`; `make retention` runs it at once, or shows what it would do."""

    def __init__(self, name: str, args: RetentionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Retention", name, None, opts)
        script_cron_job(
            name,
            ScriptJobArgs(
                namespace=args.namespace,
                labels=LABELS,
                image=args.image,
                pull_secrets=args.pull_secrets,
                scheduling=args.scheduling,
                task=NAME,
                modules=("retention_stores.py",),
                env=_environment(args),
                resources=RESOURCES,
                attachment=pods.joined(
                    volumes.tmp("64Mi"), args.trust, args.database.server.attachment, args.artifact_store.attachment
                ),
                egress=(*args.database.flows, *args.artifact_store.flows),
                backoff_limit=0,
                pod_failure_policy=IGNORE_DISRUPTION,
                minutes=MINUTES,
                affinity=server_affinity() if args.database.exclusive or args.artifact_store.exclusive else None,
                # The identity that may reach a bucket without an access key.
                service_account=SERVICE_ACCOUNT,
                ready=(*args.database.ready, *args.artifact_store.ready, *args.ready),
            ),
            daily(args.hour),
            pulumi.ResourceOptions(parent=self),
            suspended=args.suspended,
        )
        self.register_outputs({})


def _environment(args: RetentionArgs) -> list[core.EnvVarArgs]:
    days = {team: asdict(days) for team, days in args.teams.items()}
    return [
        core.EnvVarArgs(name="HOME", value="/tmp"),  # noqa: S108 - a volume of the pod
        core.EnvVarArgs(name="MLFLOW_BACKEND_STORE_URI", value=args.database.server.uri),
        core.EnvVarArgs(name="MLFLOW_DISABLE_TELEMETRY", value="true"),
        core.EnvVarArgs(name="MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", value=str(CONNECTIONS)),
        core.EnvVarArgs(name="MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW", value="1"),
        core.EnvVarArgs(name="ARTIFACTS", value=args.artifact_store.uri),
        core.EnvVarArgs(name="RETENTION", value=json.dumps(days)),
        *_workspace_environment(args),
    ]


def _workspace_environment(args: RetentionArgs) -> list[core.EnvVarArgs]:
    if args.multi_tenant:
        return [
            core.EnvVarArgs(name="MLFLOW_ENABLE_WORKSPACES", value="true"),
            # The server's own list of workspaces would ask the API server; the teams are in RETENTION.
            core.EnvVarArgs(name="MLFLOW_WORKSPACE_STORE_URI", value="mlflow-platform://"),
        ]
    # libpq: without workspaces, all rows are in this one.
    return [
        core.EnvVarArgs(name="SINGLE_WORKSPACE", value=SINGLE_WORKSPACE),
        core.EnvVarArgs(name="PGOPTIONS", value="-c mlflow.workspace=default"),
    ]
