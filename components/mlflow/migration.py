"""The schema migration: a Job that runs before the server's rollout and verifies that the schema is at its head."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.database.database import Database
from components.kubernetes import networks, pods
from components.mlflow.args import LABELS as SERVER
from components.scripts import script

core = k8s.core.v1

LABELS = pods.labels("migration")
# MLflow's models alone take 300 MiB to import.
RESOURCES = pods.Resources(cpu="100m", memory="384Mi", cpu_limit="2", memory_limit="768Mi")
SCRIPTS = ("migrate.py", "additive.py", "postgresql.py", "revisions.py", "sqlite_file.py")
# A tag like `3.17.2` or `3.17.2-internal.4`, with or without a digest behind it.
VERSION_TAG = re.compile(r":v?(\d+\.\d+\.\d+(?:rc\d+)?)(?:[-_.][\w.-]*)?(?:@sha256:[0-9a-f]+)?$")


def expected_version(image: str) -> str | None:
    """The MLflow version that an image's tag promises; None when it promises none."""
    found = VERSION_TAG.search(image)
    return None if found is None else found[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaMigrationArgs:
    """Input of `SchemaMigration`."""

    namespace: pulumi.Input[str]
    image: str
    """The server's image: its MLflow decides which schema is the head."""

    pull_secrets: Sequence[str] = ()
    """Names of the Secrets that images are pulled with."""

    database: Database
    minutes: int
    """How long it may take; then it ends and has changed nothing."""

    trust: pods.Attachment = pods.NOTHING
    """Further authorities that the database's certificate may be from."""


class SchemaMigration(pulumi.ComponentResource):
    """Runs once per image and database; a failure stops the deployment and leaves the running server alone."""

    done: pulumi.Resource

    def __init__(self, name: str, args: SchemaMigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:SchemaMigration", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        scripts = core.ConfigMap(
            f"{name}-script",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            data={name: script(name) for name in SCRIPTS},
            opts=child,
        )
        network = networks.open_flows(name, args.namespace, to_pods=LABELS, egress=args.database.flows, opts=child)
        self.done = k8s.batch.v1.Job(
            f"{name}-job",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace,
                labels=LABELS,
                # A Job that failed stays failed: replace it on the next `up`.
                annotations={"pulumi.com/replaceUnready": "true"},
            ),
            spec=k8s.batch.v1.JobSpecArgs(
                # A pod that was killed has changed nothing and deserves another try; a schema that does not fit fails
                # each time. A rule that ends the Job at once would make the provider wait for ten minutes: it gives up
                # on a Job for its last try and its deadline only.
                backoff_limit=1,
                active_deadline_seconds=args.minutes * 60,
                pod_failure_policy=pods.drain_is_no_failure(),
                template=core.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
                    spec=_pod(args, scripts.metadata.name),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*args.database.ready, network],
                # The Job gives up first, and says why.
                custom_timeouts=pulumi.CustomTimeouts(create=f"{args.minutes + 1}m"),
            ),
        )
        self.register_outputs({})


def _beside_the_server() -> core.AffinityArgs:
    """A volume of one node is used there, by the server that runs as well as by the migration."""
    return core.AffinityArgs(
        pod_affinity=core.PodAffinityArgs(
            # Not required: of a paused server there is no pod.
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


def _environment(args: SchemaMigrationArgs, given: pods.Attachment) -> list[core.EnvVarArgs]:
    expected = expected_version(args.image)
    return [
        core.EnvVarArgs(name="HOME", value="/tmp"),  # noqa: S108 - a volume of the pod
        core.EnvVarArgs(name="MLFLOW_BACKEND_STORE_URI", value=args.database.uri),
        core.EnvVarArgs(name="MLFLOW_DISABLE_TELEMETRY", value="true"),
        *([] if expected is None else [core.EnvVarArgs(name="EXPECTED_VERSION", value=expected)]),
        *given.env,
    ]


def _pod(args: SchemaMigrationArgs, scripts: pulumi.Input[str]) -> core.PodSpecArgs:
    given = pods.joined(args.trust, args.database.attachment)
    return core.PodSpecArgs(
        restart_policy="Never",
        image_pull_secrets=pods.pull_secrets(args.pull_secrets),
        affinity=_beside_the_server() if args.database.exclusive else None,
        security_context=pods.pod_security(pods.MLFLOW_UID),
        automount_service_account_token=False,
        enable_service_links=False,
        init_containers=[*given.init_containers],
        containers=[
            core.ContainerArgs(
                name="migrate",
                image=args.image,
                command=["python3", "/etc/migrate/migrate.py"],
                env=_environment(args, given),
                resources=RESOURCES.to_args(),
                security_context=pods.container_security(),
                termination_message_policy="FallbackToLogsOnError",
                volume_mounts=[
                    core.VolumeMountArgs(name="script", mount_path="/etc/migrate", read_only=True),
                    core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
                    *given.mounts,
                ],
            )
        ],
        volumes=[
            core.VolumeArgs(name="script", config_map=core.ConfigMapVolumeSourceArgs(name=scripts)),
            pods.scratch("tmp", "64Mi"),
            *given.volumes,
        ],
    )
