"""The schema migration: a Job that runs before the server's rollout and verifies that the schema is at its head."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import networks, pods
from components.database import Database
from components.files import script

core = k8s.core.v1

LABELS = pods.labels("migration")
# MLflow's models alone take 300 MiB to import.
RESOURCES = pods.Resources(cpu="100m", memory="384Mi", cpu_limit="2", memory_limit="768Mi")


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaMigrationArgs:
    """Input of `SchemaMigration`."""

    namespace: pulumi.Input[str]
    image: str
    """The server's image: its MLflow decides which schema is the head."""

    database: Database
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
            data={"migrate.py": script("migrate.py")},
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
                # A lost connection deserves another try; a schema that does not fit fails each time.
                backoff_limit=2,
                template=core.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
                    spec=_pod(args, scripts.metadata.name),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.database.ready, network]),
        )
        self.register_outputs({})


def _pod(args: SchemaMigrationArgs, scripts: pulumi.Input[str]) -> core.PodSpecArgs:
    given = pods.joined(args.trust, args.database.attachment)
    return core.PodSpecArgs(
        restart_policy="Never",
        security_context=pods.pod_security(pods.MLFLOW_UID),
        automount_service_account_token=False,
        enable_service_links=False,
        init_containers=[*given.init_containers],
        containers=[
            core.ContainerArgs(
                name="migrate",
                image=args.image,
                command=["python3", "/etc/migrate/migrate.py"],
                env=[
                    core.EnvVarArgs(name="HOME", value="/tmp"),  # noqa: S108 - a volume of the pod
                    core.EnvVarArgs(name="MLFLOW_BACKEND_STORE_URI", value=args.database.uri),
                    core.EnvVarArgs(name="MLFLOW_DISABLE_TELEMETRY", value="true"),
                    *given.env,
                ],
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
