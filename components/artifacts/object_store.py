"""An S3 store in the cluster (SeaweedFS): one process on one volume, with one bucket for MLflow.

For evaluation and for clusters without S3; there is no replica. Only the S3 port accepts connections from other pods:
master, volume server and filer have no authentication and listen on loopback; the S3 server's gRPC port, which would
accept new identities from anyone, requires a client certificate that no one has.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.artifacts.artifact_store import ArtifactStore, key_environment, s3_environment, s3_uri
from components.exposure.certificate import SEED_LENGTH, authority_certificate, self_signed
from components.kubernetes import networks, pods, volumes
from components.kubernetes.script_job import ScriptJobArgs, script_job
from components.sizes import STORE_MEMORY

core = k8s.core.v1

PORT = 8333
UID = 1000
BUCKET = "mlflow"
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

    storage: str
    """Size of the volume, as a Kubernetes quantity."""

    storage_class: str | None = None
    """None means the cluster's default storage class."""

    prefix: str | None = None
    """Folder of all artifacts; None means the whole bucket."""

    clients: tuple[dict[str, str], ...]
    """Labels of the pods that may connect."""

    durable: bool
    """True protects the StatefulSet from deletion, so that its data stays accessible."""


def identities(
    bucket: str, *, prefix: str | None = None, client: tuple[str, str], administrator: tuple[str, str]
) -> dict[str, list[dict[str, object]]]:
    """Content of SeaweedFS's identity file: a client that can access only `bucket`, and an administrator.

    With a `prefix` the client can access only that folder of the bucket. A Job uses the administrator's access key to
    create the bucket.

    `client` and `administrator` are pairs of access key id and secret access key.
    """

    def identity(name: str, key: tuple[str, str], actions: list[str]) -> dict[str, object]:
        return {"name": name, "credentials": [{"accessKey": key[0], "secretKey": key[1]}], "actions": actions}

    place = bucket if prefix is None else f"{bucket}/{prefix}/*"
    confined = [f"{action}:{place}" for action in ("Read", "Write", "List", "Tagging")]
    return {
        "identities": [
            identity("mlflow", client, confined),
            identity("administrator", administrator, ["Admin"]),
        ]
    }


class ObjectStore(pulumi.ComponentResource):
    """A StatefulSet with one replica, its Service, the bucket, and MLflow's access key for the bucket."""

    artifact_store: ArtifactStore

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ObjectStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = pods.labels("object-store")
        client = _access_key(f"{name}-client", args.namespace, child)
        administrator = _access_key(f"{name}-administrator", args.namespace, child)
        service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="object-store", labels=labels),
            spec=core.ServiceSpecArgs(
                selector=labels, cluster_ip="None", ports=[core.ServicePortArgs(name="s3", port=PORT)]
            ),
            opts=child,
        )
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=labels,
            ingress=[
                networks.Flow(peers=[networks.pods(peer) for peer in (*args.clients, BUCKET_JOB_LABELS)], ports=[PORT])
            ],
            opts=child,
        )
        configuration = _configuration(name, args, client, administrator, child)
        server = k8s.apps.v1.StatefulSet(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="object-store", labels=labels),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                service_name=service.metadata.name,
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
                template=core.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels),
                    spec=_pod(args, configuration.metadata.name),
                ),
                volume_claim_templates=[volumes.claim_template("data", args.storage, args.storage_class)],
            ),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[network], protect=args.durable, retain_on_delete=args.durable
            ),
        )
        flow = networks.Flow(peers=[networks.pods(labels)], ports=[PORT])
        bucket = _bucket_job(name, args, administrator.secret, server, flow, opts=child)
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
        )
        self.register_outputs({"bucket": BUCKET})


@dataclass(frozen=True, kw_only=True, slots=True)
class _AccessKey:
    pair: pulumi.Output[tuple[str, str]]
    """Access key id and secret access key."""

    secret: core.Secret


def _access_key(name: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> _AccessKey:
    key_id = random.RandomString(f"{name}-key-id", length=20, special=False, lower=False, opts=opts)
    key = random.RandomPassword(f"{name}-key", length=40, special=False, opts=opts)
    secret = core.Secret(
        f"{name}-credential",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
        string_data={"access-key-id": key_id.result, "secret-access-key": key.result},
        opts=opts,
    )
    pair = pulumi.Output.all(key_id.result, key.result).apply(lambda values: (values[0], values[1]))
    return _AccessKey(pair=pair, secret=secret)


def _configuration(
    name: str,
    args: ObjectStoreArgs,
    client: _AccessKey,
    administrator: _AccessKey,
    opts: pulumi.ResourceOptions,
) -> core.Secret:
    seed = random.RandomPassword(f"{name}-grpc", length=SEED_LENGTH, special=False, opts=opts).result
    # No client ever verifies this certificate, so its dates do not matter.
    certificate = seed.apply(lambda text: self_signed(text.encode(), "object-store", dt.date(2026, 1, 1)))
    keys = pulumi.Output.all(client.pair, administrator.pair)
    return core.Secret(
        f"{name}-configuration",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
        string_data={
            "security.toml": SECURITY,
            "grpc-ca.crt": seed.apply(lambda text: authority_certificate(text.encode(), "object-store")),
            "grpc.crt": certificate.apply(lambda pair: pair.certificate),
            "grpc.key": certificate.apply(lambda pair: pair.key),
            "s3.json": pulumi.Output.json_dumps(
                keys.apply(
                    lambda pairs: identities(BUCKET, prefix=args.prefix, client=pairs[0], administrator=pairs[1])
                )
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
    args: ObjectStoreArgs,
    administrator: core.Secret,
    server: pulumi.Resource,
    flow: networks.Flow,
    *,
    opts: pulumi.ResourceOptions,
) -> k8s.batch.v1.Job:
    return script_job(
        f"{name}-bucket",
        ScriptJobArgs(
            namespace=args.namespace,
            labels=BUCKET_JOB_LABELS,
            image=args.client_image,
            pull_secrets=args.pull_secrets,
            task="create-bucket",
            env=[
                core.EnvVarArgs(name="BUCKET", value=BUCKET),
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
        job_name=f"{name}-bucket",
    )
