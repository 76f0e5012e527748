"""Exporter of PostgreSQL's statistics: connections, transactions, locks, sizes of the database and of its tables.

Its role reads statistics of all sessions, and no row of any table (scripts/monitor_role.sql).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.database.database import Statistics
from components.kubernetes import networks, pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template

core = k8s.core.v1

NAME = "postgres-exporter"
LABELS = pods.labels(NAME)
PORT = 9187
# The user `nobody` of the official image.
UID = 65534
FOLDER = "/run/secrets/postgres-exporter"
# Measured: 19 MiB resident after 30 scrapes of a database with 60 tables.
RESOURCES = pods.Resources(cpu="20m", memory="32Mi", cpu_limit="500m", memory_limit="128Mi")
OPTIONS = (
    f"--web.listen-address=0.0.0.0:{PORT}",
    # Oldest transaction id, in transactions.
    "--collector.database_wraparound",
    # There are no replicas.
    "--no-collector.replication",
    "--no-collector.replication_slot",
    # What no alert and no diagram uses; the first has hundreds of series.
    "--no-collector.statio_user_tables",
    "--no-collector.stat_bgwriter",
    "--no-collector.roles",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseExporterArgs:
    """Input of `DatabaseExporter`."""

    namespace: pulumi.Input[str]
    image: str
    """Image with postgres_exporter 0.17 or later as /bin/postgres_exporter."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    statistics: Statistics
    flows: Sequence[networks.Flow]
    """Connections to the database."""

    ready: Sequence[pulumi.Resource]
    """Resources that must exist before the exporter connects."""


class DatabaseExporter(pulumi.ComponentResource):
    """The Deployment of the exporter, and the NetworkPolicy that lets it connect to the database only."""

    def __init__(self, name: str, args: DatabaseExporterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:DatabaseExporter", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = networks.open_flows(name, args.namespace, to_pods=LABELS, egress=args.flows, opts=child)
        k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=NAME, labels=LABELS),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                # The role has connections for one exporter.
                strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=LABELS),
                template=pod_template(_pod(args), LABELS, args.scheduling),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[network, *args.ready]),
        )
        self.register_outputs({})


def _pod(args: DatabaseExporterArgs) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name="postgres-exporter",
        image=args.image,
        command=["/bin/postgres_exporter"],
        args=[*OPTIONS],
        ports=[core.ContainerPortArgs(name="metrics", container_port=PORT)],
        resources=RESOURCES.to_args(),
        # The page at `/` asks the database for nothing: while the database is down, this pod is healthy and says so.
        readiness_probe=pods.http_probe("/", PORT, period=5, failures=2),
        liveness_probe=pods.http_probe("/", PORT, period=15, failures=4),
    )
    attachment = pods.joined(
        pods.Attachment(
            env=(
                core.EnvVarArgs(name="DATA_SOURCE_URI", value=args.statistics.address),
                core.EnvVarArgs(name="DATA_SOURCE_USER", value=args.statistics.role),
                core.EnvVarArgs(name="DATA_SOURCE_PASS_FILE", value=f"{FOLDER}/password"),
            )
        ),
        volumes.secret_files("credential", args.statistics.password, FOLDER),
    )
    return pods.hardened_pod(UID, container, attachment, pull_secrets=args.pull_secrets)
