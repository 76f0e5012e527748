"""PostgreSQL 17 in the cluster: one instance on one volume.

For evaluation and for teams that accept a restart as their outage; there is no replica. MLflow's role owns the
database `mlflow` and can do nothing else; the superuser has no password and cannot come in over the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.database.database import Database, postgresql_uri
from components.kubernetes import networks, pods
from components.scripts import script

core = k8s.core.v1

PORT = 5432
# The official image's `postgres` user.
UID = 999
# Of the memory limit, as PostgreSQL's manual recommends.
SHARED_FRACTION = 1 / 4

READY = "pg_isready --quiet --host=127.0.0.1 --port=5432 --username=mlflow"
# Exit code 1 is a server that is up and recovering: killing it would make it recover again, forever.
ALIVE = f"{READY}; [ $? -le 1 ]"


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresArgs:
    """Input of `Postgres`."""

    namespace: pulumi.Input[str]
    image: str
    pull_secrets: Sequence[str] = ()
    """Names of the Secrets that images are pulled with."""

    storage: str
    """Size of the volume, as a Kubernetes quantity."""

    storage_class: str | None = None
    """None means the cluster's default class."""

    max_connections: int
    shared_mebibytes: int
    """Shared buffers, which are what the pod is promised."""

    memory_limit: str
    """As a Kubernetes quantity."""

    clients: tuple[dict[str, str], ...]
    """Labels of the pods that may connect."""

    durable: bool
    """Whether deleting the server, and with it the way to its data, is refused."""


class Postgres(pulumi.ComponentResource):
    """A StatefulSet with one replica, its Service and the credential of MLflow's role."""

    database: Database

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Postgres", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = pods.labels("postgres")
        password = random.RandomPassword(f"{name}-password", length=32, special=False, opts=child)
        credential = core.Secret(
            f"{name}-credential",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            string_data={"password": password.result},
            opts=child,
        )
        configuration = core.ConfigMap(
            f"{name}-configuration",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            data={file: script(file) for file in ("postgres.sh", "role.sql", "pg_hba.conf")},
            opts=child,
        )
        service = core.Service(
            f"{name}-service",
            # Explicit: the server's database URI names it.
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="postgres", labels=labels),
            spec=core.ServiceSpecArgs(
                selector=labels, cluster_ip="None", ports=[core.ServicePortArgs(name="postgres", port=PORT)]
            ),
            opts=child,
        )
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=labels,
            ingress=[networks.Flow(peers=[networks.pods(client) for client in args.clients], ports=[PORT])],
            opts=child,
        )
        server = k8s.apps.v1.StatefulSet(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="postgres", labels=labels),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                service_name=service.metadata.name,
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
                template=core.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels),
                    spec=_pod(args, credential.metadata.name, configuration.metadata.name),
                ),
                volume_claim_templates=[data_claim(args.storage, args.storage_class)],
            ),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[network], protect=args.durable, retain_on_delete=args.durable
            ),
        )
        self.database = Database(
            # The traffic stays inside a namespace whose network is closed; TLS would need an own CA in the pod.
            uri=postgresql_uri(host="postgres", port=PORT, name="mlflow", user="mlflow", tls="sslmode=disable"),
            attachment=pods.Attachment(env=(pods.secret_env("PGPASSWORD", credential, "password"),)),
            flows=(networks.Flow(peers=[networks.pods(labels)], ports=[PORT]),),
            ready=(server,),
        )
        self.register_outputs({})


def data_claim(storage: str, storage_class: str | None) -> core.PersistentVolumeClaimArgs:
    """The claim called `data` of a StatefulSet."""
    return core.PersistentVolumeClaimArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(name="data"),
        spec=core.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            storage_class_name=storage_class,
            resources=core.VolumeResourceRequirementsArgs(requests={"storage": storage}),
        ),
    )


def _probe(command: str, *, period: int, failures: int) -> core.ProbeArgs:
    return core.ProbeArgs(
        exec_=core.ExecActionArgs(command=["sh", "-c", command]),
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )


def _pod(args: PostgresArgs, credential: pulumi.Input[str], configuration: pulumi.Input[str]) -> core.PodSpecArgs:
    return core.PodSpecArgs(
        security_context=pods.pod_security(UID),
        automount_service_account_token=False,
        enable_service_links=False,
        image_pull_secrets=pods.pull_secrets(args.pull_secrets),
        # A fast shutdown under load writes one checkpoint; a minute is ample for the memory limit's worth of buffers.
        termination_grace_period_seconds=60,
        containers=[
            core.ContainerArgs(
                name="postgres",
                image=args.image,
                command=["sh", "/etc/postgresql/postgres.sh"],
                env=[
                    core.EnvVarArgs(name="PGDATA", value="/var/lib/postgresql/data/pgdata"),
                    core.EnvVarArgs(name="MAX_CONNECTIONS", value=str(args.max_connections)),
                    core.EnvVarArgs(name="SHARED_BUFFERS", value=f"{args.shared_mebibytes}MB"),
                ],
                ports=[core.ContainerPortArgs(name="postgres", container_port=PORT)],
                resources=pods.Resources(
                    cpu="100m", memory=f"{args.shared_mebibytes}Mi", cpu_limit="2", memory_limit=args.memory_limit
                ).to_args(),
                security_context=pods.container_security(),
                # Ten minutes for the replay of the log after a crash.
                startup_probe=_probe(READY, period=2, failures=300),
                readiness_probe=_probe(READY, period=5, failures=2),
                liveness_probe=_probe(ALIVE, period=10, failures=6),
                # The kubelet's SIGTERM asks PostgreSQL to wait for its clients; this asks it to let them go.
                lifecycle=core.LifecycleArgs(
                    pre_stop=core.LifecycleHandlerArgs(
                        exec_=core.ExecActionArgs(
                            command=["sh", "-c", 'pg_ctl --pgdata="$PGDATA" --mode=fast --wait --timeout=50 stop']
                        )
                    )
                ),
                volume_mounts=[
                    core.VolumeMountArgs(name="data", mount_path="/var/lib/postgresql/data"),
                    core.VolumeMountArgs(name="run", mount_path="/var/run/postgresql"),
                    core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
                    core.VolumeMountArgs(name="configuration", mount_path="/etc/postgresql", read_only=True),
                    core.VolumeMountArgs(name="credential", mount_path="/run/secrets/postgres", read_only=True),
                ],
            )
        ],
        volumes=[
            pods.scratch("run", "1Mi"),
            pods.scratch("tmp", "256Mi"),
            core.VolumeArgs(name="configuration", config_map=core.ConfigMapVolumeSourceArgs(name=configuration)),
            core.VolumeArgs(
                name="credential",
                secret=core.SecretVolumeSourceArgs(secret_name=credential, default_mode=0o440),
            ),
        ],
    )
