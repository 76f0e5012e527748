"""An S3 store in the cluster (SeaweedFS): one process on one volume, with one bucket for MLflow.

For evaluation and clusters without S3; there is no replica. Only the S3 port answers other pods: master, volume server
and filer know no authentication and listen on the pod's loopback; the S3 server's gRPC port, which would take new
identities from anybody, demands a client certificate that nobody has.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.artifacts.artifact_store import ArtifactStore, key_environment, s3_environment, s3_uri
from components.database.postgres import data_claim
from components.exposure.certificate import SEED_LENGTH, authority_certificate, self_signed
from components.kubernetes import networks, pods
from components.scripts import script

core = k8s.core.v1

PORT = 8333
UID = 1000
BUCKET = "mlflow"
# The store ignores it; the S3 protocol demands one.
REGION = "us-east-1"
# Measured: 420 MiB resident after 40 MiB of uploads, SeaweedFS 4.48.
RESOURCES = pods.Resources(cpu="100m", memory="512Mi", cpu_limit="2", memory_limit="1Gi")
JOB_RESOURCES = pods.Resources(cpu="50m", memory="128Mi", cpu_limit="1", memory_limit="512Mi")
# Three quarters of the limit: Go's collector works harder above it, instead of letting the heap double.
GO_MEMORY = "768MiB"
# Closes the gRPC port of the S3 server and leaves the loopback ones as they are.
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
    """An image with Python and boto3, for the Job that creates the bucket."""

    pull_secrets: Sequence[str] = ()
    """Names of the Secrets that images are pulled with."""

    storage: str
    """Size of the volume, as a Kubernetes quantity."""

    storage_class: str | None = None
    """None means the cluster's default class."""

    clients: tuple[dict[str, str], ...]
    """Labels of the pods that may connect."""

    durable: bool
    """Whether deleting the server, and with it the way to its data, is refused."""


def identities(
    bucket: str, *, client: tuple[str, str], administrator: tuple[str, str]
) -> dict[str, list[dict[str, object]]]:
    """SeaweedFS's identity file: a client that is confined to `bucket`, and the administrator who creates it.

    Each credential is a pair of access key id and secret access key.
    """

    def identity(name: str, key: tuple[str, str], actions: list[str]) -> dict[str, object]:
        return {"name": name, "credentials": [{"accessKey": key[0], "secretKey": key[1]}], "actions": actions}

    confined = [f"{action}:{bucket}" for action in ("Read", "Write", "List", "Tagging")]
    return {
        "identities": [
            identity("mlflow", client, confined),
            identity("administrator", administrator, ["Admin"]),
        ]
    }


class ObjectStore(pulumi.ComponentResource):
    """A StatefulSet with one replica, its Service, the bucket and the credential that reaches it."""

    store: ArtifactStore

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ObjectStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = pods.labels("object-store")
        client = self._credential(f"{name}-client", args.namespace)
        administrator = self._credential(f"{name}-administrator", args.namespace)
        seed = random.RandomPassword(f"{name}-grpc", length=SEED_LENGTH, special=False, opts=child)
        # No client ever verifies it, so its dates do not matter.
        closed = seed.result.apply(lambda text: self_signed(text.encode(), "object-store", dt.date(2026, 1, 1)))
        configuration = core.Secret(
            f"{name}-configuration",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
            string_data={
                "security.toml": SECURITY,
                "grpc-ca.crt": seed.result.apply(lambda text: authority_certificate(text.encode(), "object-store")),
                "grpc.crt": closed.apply(lambda pair: pair.certificate),
                "grpc.key": closed.apply(lambda pair: pair.key),
                "s3.json": pulumi.Output.json_dumps(
                    pulumi.Output.all(client.key, administrator.key).apply(
                        lambda keys: identities(BUCKET, client=keys[0], administrator=keys[1])
                    )
                ),
            },
            opts=child,
        )
        service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="object-store", labels=labels),
            spec=core.ServiceSpecArgs(
                selector=labels, cluster_ip="None", ports=[core.ServicePortArgs(name="s3", port=PORT)]
            ),
            opts=child,
        )
        opened = networks.open_flows(
            name,
            args.namespace,
            to_pods=labels,
            ingress=[
                networks.Flow(peers=[networks.pods(peer) for peer in (*args.clients, BUCKET_JOB_LABELS)], ports=[PORT])
            ],
            opts=child,
        )
        flow = networks.Flow(peers=[networks.pods(labels)], ports=[PORT])
        server = k8s.apps.v1.StatefulSet(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="object-store", labels=labels),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                service_name=service.metadata.name,
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
                template=core.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels),
                    spec=_server_pod(args, configuration.metadata.name),
                ),
                volume_claim_templates=[data_claim(args.storage, args.storage_class)],
            ),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[opened], protect=args.durable, retain_on_delete=args.durable
            ),
        )
        network = networks.open_flows(
            f"{name}-bucket", args.namespace, to_pods=BUCKET_JOB_LABELS, egress=[flow], opts=child
        )
        bucket = k8s.batch.v1.Job(
            f"{name}-bucket",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace,
                labels=BUCKET_JOB_LABELS,
                # A Job that failed stays failed: replace it on the next `up`.
                annotations={"pulumi.com/replaceUnready": "true"},
            ),
            spec=_bucket_job(args, administrator.secret, self._bucket_script(name, args.namespace)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server, network]),
        )
        self.store = ArtifactStore(
            uri=s3_uri(BUCKET),
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

    def _bucket_script(self, name: str, namespace: pulumi.Input[str]) -> core.ConfigMap:
        return core.ConfigMap(
            f"{name}-bucket-script",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
            data={"create_bucket.py": script("create_bucket.py")},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _credential(self, name: str, namespace: pulumi.Input[str]) -> "_Credential":
        child = pulumi.ResourceOptions(parent=self)
        key_id = random.RandomString(f"{name}-key-id", length=20, special=False, lower=False, opts=child)
        key = random.RandomPassword(f"{name}-key", length=40, special=False, opts=child)
        secret = core.Secret(
            f"{name}-credential",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace),
            string_data={"access-key-id": key_id.result, "secret-access-key": key.result},
            opts=child,
        )
        return _Credential(
            key=pulumi.Output.all(key_id.result, key.result).apply(lambda pair: (pair[0], pair[1])), secret=secret
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Credential:
    key: pulumi.Output[tuple[str, str]]
    secret: core.Secret


def _server_pod(args: ObjectStoreArgs, configuration: pulumi.Input[str]) -> core.PodSpecArgs:
    return core.PodSpecArgs(
        security_context=pods.pod_security(UID),
        automount_service_account_token=False,
        enable_service_links=False,
        image_pull_secrets=pods.pull_secrets(args.pull_secrets),
        containers=[
            core.ContainerArgs(
                name="seaweedfs",
                image=args.image,
                command=[
                    "weed",
                    # Where SeaweedFS would write its log files; the root file system is read-only.
                    "-logtostderr=true",
                    "server",
                    "-dir=/data",
                    # A volume server that moves with the pod's address loses its volumes: loopback never changes.
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
                    # Table formats that nobody asked for would listen on ports of their own.
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    # Seconds for a cluster to notice that this volume server leaves; there is no other one.
                    "-volume.preStopSeconds=1",
                ],
                env=[core.EnvVarArgs(name="GOMEMLIMIT", value=GO_MEMORY)],
                ports=[core.ContainerPortArgs(name="s3", container_port=PORT)],
                resources=RESOURCES.to_args(),
                security_context=pods.container_security(),
                startup_probe=pods.http_probe("/healthz", PORT, period=2, failures=90),
                readiness_probe=pods.http_probe("/healthz", PORT, period=5, failures=2),
                liveness_probe=pods.http_probe("/healthz", PORT, period=15, failures=4),
                volume_mounts=[
                    core.VolumeMountArgs(name="data", mount_path="/data"),
                    core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
                    core.VolumeMountArgs(name="configuration", mount_path="/etc/seaweedfs", read_only=True),
                ],
            )
        ],
        volumes=[
            pods.scratch("tmp", "1Gi"),
            core.VolumeArgs(
                name="configuration",
                secret=core.SecretVolumeSourceArgs(secret_name=configuration, default_mode=0o440),
            ),
        ],
    )


def _bucket_job(args: ObjectStoreArgs, administrator: core.Secret, scripts: core.ConfigMap) -> k8s.batch.v1.JobSpecArgs:
    return k8s.batch.v1.JobSpecArgs(
        backoff_limit=3,
        template=core.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=BUCKET_JOB_LABELS),
            spec=core.PodSpecArgs(
                restart_policy="Never",
                security_context=pods.pod_security(pods.MLFLOW_UID),
                automount_service_account_token=False,
                enable_service_links=False,
                image_pull_secrets=pods.pull_secrets(args.pull_secrets),
                containers=[
                    core.ContainerArgs(
                        name="create-bucket",
                        image=args.client_image,
                        command=["python3", "/etc/create-bucket/create_bucket.py"],
                        env=[
                            core.EnvVarArgs(name="BUCKET", value=BUCKET),
                            core.EnvVarArgs(name="ENDPOINT_URL", value=f"http://object-store:{PORT}"),
                            core.EnvVarArgs(name="AWS_REGION", value=REGION),
                            *key_environment(administrator),
                        ],
                        resources=JOB_RESOURCES.to_args(),
                        security_context=pods.container_security(),
                        termination_message_policy="FallbackToLogsOnError",
                        volume_mounts=[
                            core.VolumeMountArgs(name="script", mount_path="/etc/create-bucket", read_only=True)
                        ],
                    )
                ],
                volumes=[
                    core.VolumeArgs(
                        name="script", config_map=core.ConfigMapVolumeSourceArgs(name=scripts.metadata.name)
                    )
                ],
            ),
        ),
    )
