"""The schema migration: a Job that runs before the server's rollout, as the owner of the tables.

It leaves the schema at its newest revision, and row-level security on every table.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.database.database import Database
from components.kubernetes import pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.kubernetes.script_job import IGNORE_DISRUPTION, ScriptJobArgs, script_job
from components.mlflow.args import LABELS as SERVER
from components.mlflow.proof import Proof

core = k8s.core.v1

LABELS = pods.labels("migration")
# Importing MLflow's models alone takes 300 MiB.
RESOURCES = pods.Resources(cpu="100m", memory="384Mi", cpu_limit="2", memory_limit="768Mi")
# Names of the scripts: the migration, and one that asks for a proof of the backups before it.
TASK, PROVEN_TASK = "migrate", "migrate-proven"
# Modules that components/scripts/migrate.py imports.
MODULES = (
    "additive.py",
    "one_transaction.py",
    "other_workspaces.py",
    "postgresql.py",
    "revisions.py",
    "row_rules.py",
    "row_security.py",
    "sqlite_file.py",
)
# MLflow's name for the only workspace that it shows without workspaces.
SINGLE_WORKSPACE = "default"
# A tag like `3.17.2` or `3.17.2-internal.4`, with or without a digest after it.
VERSION_TAG = re.compile(r":v?(\d+\.\d+\.\d+(?:rc\d+)?)(?:[-_.][\w.-]*)?(?:@sha256:[0-9a-f]+)?$")


def expected_version(image: str) -> str | None:
    """The MLflow version in an image's tag; None if the tag is not a version."""
    match = VERSION_TAG.search(image)
    return None if match is None else match[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaMigrationArgs:
    """Input of `SchemaMigration`."""

    namespace: pulumi.Input[str]
    image: str
    """The server's image: its MLflow defines the newest revision of the schema."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    database: Database
    minutes: int
    """Deadline of the Job in minutes; a migration that exceeds the deadline has not changed the database."""

    multi_tenant: bool = True
    """False if MLflow runs without workspaces: the Job then fails if a workspace other than `default` has content,
    because nobody would see that content."""

    trust: pods.Attachment = pods.NOTHING
    """Mounts the company's CA certificates, which may have signed the database's certificate."""

    proof: Proof | None = None
    """Proof of the backups that the Job requires before it changes the schema; None if it requires none."""


class SchemaMigration(pulumi.ComponentResource):
    """The migration Job: it runs once for each image and database. If it fails, the running server is not changed."""

    done: pulumi.Resource

    def __init__(self, name: str, args: SchemaMigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:SchemaMigration", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        access = None if args.proof is None else args.proof.access(name, args.namespace, child)
        self.done = script_job(
            name,
            ScriptJobArgs(
                namespace=args.namespace,
                labels=LABELS,
                image=args.image,
                pull_secrets=args.pull_secrets,
                scheduling=args.scheduling,
                task=TASK if access is None else PROVEN_TASK,
                modules=MODULES if access is None else (*MODULES, f"{TASK}.py"),
                env=_environment(args),
                resources=RESOURCES,
                attachment=pods.joined(
                    volumes.tmp("64Mi"),
                    args.trust,
                    args.database.owner.attachment,
                    pods.NOTHING if access is None else access.attachment,
                ),
                egress=args.database.flows if access is None else (*args.database.flows, access.flow),
                # A pod that was killed has changed nothing, so a second attempt may succeed; a schema that does not fit
                # fails both times. With a failure policy that ends the Job at once, Pulumi's Kubernetes provider would
                # wait for ten minutes: it only recognises a Job that is out of attempts or past its deadline.
                backoff_limit=1,
                pod_failure_policy=IGNORE_DISRUPTION,
                minutes=args.minutes,
                affinity=server_affinity() if args.database.exclusive else None,
                service_account=None if access is None else access.account,
                ready=args.database.ready if access is None else (*args.database.ready, *access.ready),
            ),
            child,
        )
        self.register_outputs({})


def server_affinity() -> core.AffinityArgs:
    """Affinity to the server's node, for a volume that only one node can mount."""
    return core.AffinityArgs(
        pod_affinity=core.PodAffinityArgs(
            # Preferred instead of required: a paused server has no pod.
            preferred_during_scheduling_ignored_during_execution=[
                core.WeightedPodAffinityTermArgs(
                    weight=100,
                    pod_affinity_term=core.PodAffinityTermArgs(
                        topology_key="kubernetes.io/hostname",
                        label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=SERVER),
                    ),
                )
            ]
        )
    )


def _environment(args: SchemaMigrationArgs) -> list[core.EnvVarArgs]:
    version = expected_version(args.image)
    role = args.database.server.role
    split = role is not None and role != args.database.owner.role
    return [
        core.EnvVarArgs(name="HOME", value="/tmp"),  # noqa: S108 - a volume of the pod
        core.EnvVarArgs(name="MLFLOW_BACKEND_STORE_URI", value=args.database.owner.uri),
        core.EnvVarArgs(name="MLFLOW_DISABLE_TELEMETRY", value="true"),
        *([core.EnvVarArgs(name="SERVER_ROLE", value=role)] if split else []),
        *([] if args.multi_tenant else [core.EnvVarArgs(name="SINGLE_WORKSPACE", value=SINGLE_WORKSPACE)]),
        *([] if version is None else [core.EnvVarArgs(name="EXPECTED_VERSION", value=version)]),
    ]
