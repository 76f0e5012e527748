"""PostgreSQL 17 in the cluster: one instance on one volume.

For evaluation, and for teams that accept an outage while it restarts; there is no replica. The role `mlflow` owns the
database `mlflow` and has no other rights; MLflow signs in as `mlflow_server`, which owns nothing. The superuser has no
password and cannot connect over the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.database.backups import Backups, add_sidecar, restore_network, scripts, start_script
from components.database.database import Connection, Database, Statistics, postgresql_uri, server_role
from components.kubernetes import networks, pods, volumes
from components.kubernetes.credential import keepers
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.kubernetes.single_pod import SinglePod
from components.scripts import script
from components.sizes import JOB_CONNECTIONS, RESERVED_CONNECTIONS, SHARED_MEMORY_MEBIBYTES

core = k8s.core.v1

PORT = 5432
# Owner of the database, as in scripts/role.sql.
ROLE = "mlflow"
# The exporter's role, as in scripts/monitor_role.sql, and its line of pg_hba.conf.
MONITOR = "mlflow_monitor"
MONITOR_LINE = f"host  mlflow {MONITOR} all scram-sha-256\n"
# The official image's `postgres` user.
UID = 999
LABELS = pods.labels("postgres")
VOLUME = "/var/lib/postgresql/data"
PGDATA = f"{VOLUME}/pgdata"

READY = "pg_isready --quiet --host=127.0.0.1 --port=5432 --username=mlflow"
# Exit code 1 means a server in recovery: killed by the probe, it would start recovery again, forever.
ALIVE = f"{READY}; [ $? -le 1 ]"


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresArgs:
    """Input of `Postgres`."""

    namespace: pulumi.Input[str]
    image: str
    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    storage: str
    """Size of the volume, as a Kubernetes quantity."""

    storage_class: str | None = None
    """None means the cluster's default storage class."""

    max_connections: int
    shared_mebibytes: int
    """Size of PostgreSQL's shared buffers in MiB; the memory request has the same size."""

    memory_limit: str
    """Memory limit, as a Kubernetes quantity."""

    clients: tuple[dict[str, str], ...]
    """Labels of the pods that may connect."""

    rotation: int = 1
    """A new number generates new passwords of both roles."""

    backups: Backups | None = None
    """Store, schedule and retention of the backups; None without backups."""

    durable: bool
    """True protects the StatefulSet from deletion, so that its data stays accessible."""

    metrics: bool = False
    """True creates the role that reads statistics."""


class Postgres(pulumi.ComponentResource):
    """A StatefulSet with one replica, its Service, and the passwords of the two roles."""

    database: Database

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Postgres", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels, backups = LABELS, args.backups
        owner = _password(name, args, child)
        client = _password(f"{name}-client", args, child)
        monitor = _password(f"{name}-monitor", args, child) if args.metrics else None
        configuration = core.ConfigMap(
            f"{name}-configuration",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            data=files(metrics=args.metrics, backups=backups is not None),
            opts=child,
        )
        pod = SinglePod(
            namespace=args.namespace,
            name="postgres",
            labels=labels,
            storage=args.storage,
            storage_class=args.storage_class,
            scheduling=args.scheduling,
            durable=args.durable,
        )
        service = pod.service(f"{name}-service", "postgres", PORT, child)
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=labels,
            ingress=[networks.Flow(peers=[networks.pods(client) for client in args.clients], ports=[PORT])],
            egress=() if backups is None else backups.store.flows,
            opts=child,
        )
        spec = _pod(args, owner, client, monitor, configuration.metadata.name)
        if backups is not None:
            program = scripts(name, args.namespace, child).metadata.name
            shared = (*_data(), _configuration(configuration.metadata.name))
            add_sidecar(spec, backups, program, shared=shared, pgdata=PGDATA)
            restore_network(name, args.namespace, backups.store, child)
        ready = (network, *(() if backups is None else backups.store.ready))
        server = pod.stateful_set(f"{name}-server", service, spec, ready=ready, opts=child)
        self.database = Database(
            owner=_connection(ROLE, owner),
            server=_connection(server_role(ROLE), client),
            flows=(networks.Flow(peers=[networks.pods(labels)], ports=[PORT]),),
            ready=(server,),
            statistics=None if monitor is None else _statistics(monitor),
        )
        self.register_outputs({})


def files(*, metrics: bool, backups: bool) -> dict[str, str]:
    """Configuration files of PostgreSQL by name.

    With `metrics` the exporter's role exists and can sign in; with `backups` the write-ahead log is archived.
    """
    plain = {file: script(file) for file in ("role.sql", "pg_hba.conf")}
    plain["postgres.sh"] = start_script() if backups else script("postgres.sh")
    if not metrics:
        return plain
    more = {"role.sql": script("monitor_role.sql"), "pg_hba.conf": MONITOR_LINE}
    return {file: text + more.get(file, "") for file, text in plain.items()}


def _password(name: str, args: PostgresArgs, opts: pulumi.ResourceOptions) -> core.Secret:
    """A generated password of a role."""
    password = random.RandomPassword(
        f"{name}-password", length=32, special=False, keepers=keepers(args.rotation), opts=opts
    )
    return core.Secret(
        f"{name}-credential",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
        string_data={"password": password.result},
        opts=opts,
    )


def _connection(role: str, credential: core.Secret) -> Connection:
    return Connection(
        # Connections stay inside a namespace whose NetworkPolicies deny all other traffic; TLS would need a CA
        # certificate in every client.
        uri=postgresql_uri(host="postgres", port=PORT, name="mlflow", user=role, tls="sslmode=disable"),
        attachment=pods.Attachment(env=(pods.secret_env("PGPASSWORD", credential, "password"),)),
        role=role,
    )


def _statistics(password: core.Secret) -> Statistics:
    return Statistics(address=f"postgres:{PORT}/mlflow?sslmode=disable", role=MONITOR, password=password.metadata.name)


def _probe(command: str, *, period: int, failures: int) -> core.ProbeArgs:
    return core.ProbeArgs(
        exec_=core.ExecActionArgs(command=["sh", "-c", command]),
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )


def _data() -> tuple[pods.Attachment, pods.Attachment]:
    """Mounts of PostgreSQL's volume and of the directory of its socket."""
    return volumes.claim_mount("data", VOLUME), volumes.scratch("run", "/var/run/postgresql", "1Mi")


def _configuration(name: pulumi.Input[str]) -> pods.Attachment:
    """A mount of PostgreSQL's configuration, from the ConfigMap `name`."""
    return volumes.config_map_files("configuration", name, "/etc/postgresql")


def _pod(
    args: PostgresArgs,
    owner: core.Secret,
    client: core.Secret,
    monitor: core.Secret | None,
    configuration: pulumi.Input[str],
) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name="postgres",
        image=args.image,
        command=["sh", "/etc/postgresql/postgres.sh"],
        ports=[core.ContainerPortArgs(name="postgres", container_port=PORT)],
        resources=pods.Resources(
            cpu="100m", memory=f"{args.shared_mebibytes}Mi", cpu_limit="2", memory_limit=args.memory_limit
        ).to_args(),
        # Ten minutes for the replay of the write-ahead log after a crash.
        startup_probe=_probe(READY, period=2, failures=300),
        readiness_probe=_probe(READY, period=5, failures=2),
        liveness_probe=_probe(ALIVE, period=10, failures=6),
        # On the kubelet's SIGTERM PostgreSQL waits for its clients to disconnect; a fast stop disconnects them.
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(
                exec_=core.ExecActionArgs(
                    command=["sh", "-c", 'pg_ctl --pgdata="$PGDATA" --mode=fast --wait --timeout=50 stop']
                )
            )
        ),
    )
    connections = args.max_connections - RESERVED_CONNECTIONS - JOB_CONNECTIONS
    environment = (
        core.EnvVarArgs(name="PGDATA", value=PGDATA),
        core.EnvVarArgs(name="MAX_CONNECTIONS", value=str(args.max_connections)),
        core.EnvVarArgs(name="SERVER_CONNECTIONS", value=str(connections)),
        core.EnvVarArgs(name="SHARED_BUFFERS", value=f"{args.shared_mebibytes}MB"),
        *(() if args.backups is None else (core.EnvVarArgs(name="SPOOL", value=f"{VOLUME}/spool"),)),
    )
    attachment = pods.joined(
        pods.Attachment(env=environment),
        *_data(),
        volumes.tmp("256Mi"),
        volumes.shared_memory(f"{SHARED_MEMORY_MEBIBYTES}Mi"),
        _configuration(configuration),
        volumes.secret_files("credential", owner.metadata.name, "/run/secrets/postgres"),
        volumes.secret_files("client-credential", client.metadata.name, "/run/secrets/postgres-client"),
        pods.NOTHING
        if monitor is None
        else volumes.secret_files("monitor-credential", monitor.metadata.name, "/run/secrets/postgres-monitor"),
    )
    # A fast stop under load writes one checkpoint; a minute is ample for as many buffers as the memory limit holds.
    return pods.hardened_pod(UID, container, attachment, pull_secrets=args.pull_secrets, termination_seconds=60)
