"""An S3 store in the cluster (SeaweedFS): one process on one volume, with one bucket for MLflow.

For evaluation and for clusters without S3; there is no replica. Only the S3 port accepts other pods: master, volume
server and filer have no authentication and listen on loopback; the S3 server's gRPC port, which would accept new
identities from anyone, requires a client certificate that no one has.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.artifacts.artifact_store import (
    ArtifactStore,
    DirectAccess,
    key_environment,
    s3_environment,
    s3_uri,
    team_key,
    workspace_folder,
)
from components.artifacts.store_keys import AccessKey, Keys, access_key, identities, key_pair
from components.exposure.certificate import SEED_LENGTH, authority_certificate, self_signed
from components.kubernetes import networks, pods, volumes
from components.kubernetes.names import DOMAIN
from components.kubernetes.scheduling import ANYWHERE, Scheduling
from components.kubernetes.script_job import ScriptJobArgs, script_job
from components.kubernetes.single_pod import SinglePod
from components.sizes import STORE_MEMORY

core = k8s.core.v1

PORT = 8333
# Metrics; on the same port Go's profiles of the process. NetworkPolicies admit Prometheus only.
METRICS_PORT = 9327
LABELS = pods.labels("object-store")
UID = 1000
BUCKET = "mlflow"
BACKUP_BUCKET = "mlflow-backups"
# The store ignores the region; the S3 protocol requires one.
REGION = "us-east-1"
RESOURCES = pods.Resources(cpu="100m", memory="512Mi", cpu_limit="2", memory_limit=STORE_MEMORY)
JOB_RESOURCES = pods.Resources(cpu="50m", memory="128Mi", cpu_limit="1", memory_limit="512Mi")
# Three quarters of the memory limit: above it Go's garbage collector works harder instead of letting the heap double.
GO_MEMORY = "768MiB"
# Makes the S3 server's gRPC port require a client certificate; the gRPC ports on loopback are unaffected.
SECURITY = """\
[grpc]
ca = "/etc/seaweedfs/grpc-ca.crt"
[grpc.s3]
cert = "/etc/seaweedfs/grpc.crt"
key = "/etc/seaweedfs/grpc.key"
"""
BUCKET_JOB_LABELS = pods.labels("create-bucket")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectStoreArgs:
    """Input of `ObjectStore`."""

    namespace: pulumi.Input[str]
    image: str
    client_image: str
    """Image with Python and boto3, for the Job that creates the bucket."""

    pull_secrets: Sequence[str] = ()
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    storage: str
    """Size of the volume, as a Kubernetes quantity."""

    storage_class: str | None = None
    """None means the cluster's default storage class."""

    prefix: str | None = None
    """Folder of all artifacts; None means the whole bucket."""

    clients: tuple[dict[str, str], ...]
    """Labels of the pods that may connect."""

    domain: str = DOMAIN
    """The cluster's DNS domain, with which teams' programs find the store."""

    teams: Sequence[str] = ()
    """Teams whose programs have an access key for the files of their own workspace."""

    rotation: int = 1
    """A new number generates new access keys, including those of the teams."""

    backups: AccessKey | None = None
    """Access key of the database's backups, which have their own bucket; None without backups."""

    reader: AccessKey | None = None
    """Access key with which the proofs of these backups read artifacts; None without backups."""

    durable: bool
    """True protects the StatefulSet from deletion, so that its data stays accessible."""

    metrics: bool = False
    """True serves metrics at `METRICS_PORT`."""


class ObjectStore(pulumi.ComponentResource):
    """A StatefulSet with one replica, its Service, the bucket, and MLflow's access key for the bucket."""

    artifact_store: ArtifactStore

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ObjectStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        client = access_key(f"{name}-client", args.namespace, args.rotation, child)
        administrator = access_key(f"{name}-administrator", args.namespace, args.rotation, child)
        teams = {team: key_pair(f"{name}-team-{team}", args.rotation, child) for team in args.teams}
        pod = SinglePod(
            namespace=args.namespace,
            name="object-store",
            labels=LABELS,
            storage=args.storage,
            storage_class=args.storage_class,
            scheduling=args.scheduling,
            durable=args.durable,
        )
        service = pod.service(f"{name}-service", "s3", PORT, child)
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=LABELS,
            ingress=[
                networks.Flow(
                    peers=[
                        *(networks.pods(peer) for peer in (*args.clients, BUCKET_JOB_LABELS)),
                        *(networks.namespace(team) for team in args.teams),
                    ],
                    ports=[PORT],
                )
            ],
            opts=child,
        )
        backups = None if args.backups is None else args.backups.pair
        reader = None if args.reader is None else args.reader.pair
        configuration = _configuration(
            name,
            args,
            Keys(client=client.pair, administrator=administrator.pair, teams=teams, backups=backups, reader=reader),
            child,
        )
        spec = _pod(args, configuration.metadata.name)
        server = pod.stateful_set(f"{name}-server", service, spec, ready=[network], opts=child)
        flow = networks.Flow(peers=[networks.pods(LABELS)], ports=[PORT])
        job = partial(_bucket_job, args=args, administrator=administrator.secret, server=server, flow=flow, opts=child)
        bucket = job(f"{name}-bucket", BUCKET)
        if args.backups is not None:
            job(f"{name}-backup-bucket", BACKUP_BUCKET)
        self.artifact_store = ArtifactStore(
            uri=s3_uri(BUCKET, args.prefix),
            attachment=pods.Attachment(
                env=(
                    *s3_environment(region=REGION, endpoint_url=f"http://object-store:{PORT}"),
                    *key_environment(client.secret),
                )
            ),
            flows=(flow,),
            ready=(bucket,),
            team_access={team: _team_access(team, args, key) for team, key in teams.items()},
        )
        self.register_outputs({"bucket": BUCKET})


def _team_access(team: str, args: ObjectStoreArgs, key: pulumi.Output[tuple[str, str]]) -> DirectAccess:
    """Direct access of a team's programs, with a host name of the store that resolves in every namespace."""
    url = pulumi.Output.format("http://object-store.{0}.svc.{1}:{2}", args.namespace, args.domain, PORT)
    return DirectAccess(
        environment={},
        flows=[networks.Flow(peers=[networks.namespace(args.namespace, LABELS)], ports=[PORT])],
        secret=team_key(
            workspace_folder(team, args.prefix), bucket=BUCKET, region=REGION, endpoint_url=url, key=(key[0], key[1])
        ),
    )


def _configuration(
    name: str,
    args: ObjectStoreArgs,
    keys: Keys,
    opts: pulumi.ResourceOptions,
) -> core.Secret:
    seed = random.RandomPassword(f"{name}-grpc", length=SEED_LENGTH, special=False, opts=opts).result
    # No client ever verifies this certificate, so its dates do not matter.
    certificate = seed.apply(lambda text: self_signed(text.encode(), "object-store", dt.date(2026, 1, 1)))
    known = pulumi.Output.all(
        client=keys.client,
        administrator=keys.administrator,
        teams=pulumi.Output.all(**keys.teams),
        **({} if keys.backups is None else {"backups": keys.backups}),
        **({} if keys.reader is None else {"reader": keys.reader}),
    )
    return core.Secret(
        f"{name}-configuration",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
        string_data={
            "security.toml": SECURITY,
            "grpc-ca.crt": seed.apply(lambda text: authority_certificate(text.encode(), "object-store")),
            "grpc.crt": certificate.apply(lambda pair: pair.certificate),
            "grpc.key": certificate.apply(lambda pair: pair.key),
            "s3.json": pulumi.Output.json_dumps(
                known.apply(lambda pairs: identities(BUCKET, BACKUP_BUCKET, prefix=args.prefix, **pairs))
            ),
        },
        opts=opts,
    )


def _pod(args: ObjectStoreArgs, configuration: pulumi.Input[str]) -> core.PodSpecArgs:
    container = core.ContainerArgs(
        name="seaweedfs",
        image=args.image,
        command=[
            "weed",
            # SeaweedFS would write log files; the root file system is read-only.
            "-logtostderr=true",
            "server",
            "-dir=/data",
            # SeaweedFS's volume server loses its volumes when its address changes; the loopback address never does.
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=0",
            "-s3",
            "-s3.ip.bind=0.0.0.0",
            f"-s3.port={PORT}",
            "-s3.config=/etc/seaweedfs/s3.json",
            # Identities come from the Secret only.
            "-s3.iam=false",
            # Unused table formats, which would listen on ports of their own.
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            # Seconds to wait until other volume servers notice that this one stops; there are no others.
            "-volume.preStopSeconds=1",
            *(["-metricsIp=0.0.0.0", f"-metricsPort={METRICS_PORT}"] if args.metrics else []),
        ],
        ports=[core.ContainerPortArgs(name="s3", container_port=PORT)],
        resources=RESOURCES.to_args(),
        startup_probe=pods.http_probe("/healthz", PORT, period=2, failures=90),
        readiness_probe=pods.http_probe("/healthz", PORT, period=5, failures=2),
        liveness_probe=pods.http_probe("/healthz", PORT, period=15, failures=4),
    )
    attachment = pods.joined(
        pods.Attachment(env=(core.EnvVarArgs(name="GOMEMLIMIT", value=GO_MEMORY),)),
        volumes.claim_mount("data", "/data"),
        volumes.tmp("1Gi"),
        volumes.secret_files("configuration", configuration, "/etc/seaweedfs"),
    )
    return pods.hardened_pod(UID, container, attachment, pull_secrets=args.pull_secrets)


def _bucket_job(
    name: str,
    bucket: str,
    *,
    args: ObjectStoreArgs,
    administrator: core.Secret,
    server: pulumi.Resource,
    flow: networks.Flow,
    opts: pulumi.ResourceOptions,
) -> k8s.batch.v1.Job:
    return script_job(
        name,
        ScriptJobArgs(
            namespace=args.namespace,
            labels=BUCKET_JOB_LABELS,
            image=args.client_image,
            pull_secrets=args.pull_secrets,
            scheduling=args.scheduling,
            task="create-bucket",
            env=[
                core.EnvVarArgs(name="BUCKET", value=bucket),
                core.EnvVarArgs(name="ENDPOINT_URL", value=f"http://object-store:{PORT}"),
                core.EnvVarArgs(name="AWS_REGION", value=REGION),
                *key_environment(administrator),
            ],
            resources=JOB_RESOURCES,
            egress=[flow],
            backoff_limit=3,
            ready=[server],
        ),
        opts,
        job_name=name,
    )
