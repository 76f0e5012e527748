"""The bucket of the database's backups: in the S3 store in the cluster, or in an existing store.

Its access key gives no access to artifacts, and the key of the MLflow server none to backups, because a backup contains
the rows of all teams.
"""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.artifacts.artifact_store import ACCESS_KEY, WITHOUT_CHECKSUMS, key_environment, region_environment
from components.artifacts.object_store import BACKUP_BUCKET, LABELS, PORT, REGION
from components.artifacts.store_keys import AccessKey, access_key
from components.aws.web_identity import to_s3
from components.database.backups import BackupStore
from components.kubernetes import networks, pods
from components.kubernetes.ca_certificates import service_authority
from components.kubernetes.credential import Source, credential
from components.kubernetes.http_proxy import HttpProxy

core = k8s.core.v1


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnBucketArgs:
    """Input of `OwnBackupBucket`."""

    namespace: pulumi.Input[str]
    rotation: int = 1
    """A new number generates a new access key."""


class OwnBackupBucket(pulumi.ComponentResource):
    """Two access keys of the store in the cluster, for backups and for proofs; the store creates the bucket."""

    store: BackupStore
    key: AccessKey
    reader: AccessKey
    """Access key with which proofs read artifacts."""

    def __init__(self, name: str, args: OwnBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:OwnBackupBucket", name, None, opts)
        self.key = access_key(name, args.namespace, args.rotation, pulumi.ResourceOptions(parent=self))
        self.reader = access_key(f"{name}-reader", args.namespace, args.rotation, pulumi.ResourceOptions(parent=self))
        self.store = BackupStore(
            bucket=BACKUP_BUCKET,
            endpoint_url=f"http://object-store:{PORT}",
            attachment=pods.Attachment(env=(*region_environment(REGION), *key_environment(self.key.secret))),
            flows=(networks.Flow(peers=[networks.pods(LABELS)], ports=[PORT]),),
            ready=(self.key.secret,),
        )
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalBucketArgs:
    """Input of `ExternalBackupBucket`."""

    namespace: pulumi.Input[str]
    bucket: str
    region: str
    endpoint_url: str | None
    """URL of the S3 API; None means AWS."""

    checksums: bool = True
    """False sends the additional checksums of S3 only where the protocol demands them."""

    authority: str | None = None
    """CA certificate of the store, as PEM; None means the public CA certificates."""

    trust: pods.Attachment = pods.NOTHING
    """Mounts the company's CA certificates."""

    proxy: HttpProxy | None = None
    """The company's HTTP proxy."""

    access: Source
    """Source of an access key (entries `access-key-id` and `secret-access-key`)."""


class ExternalBackupBucket(pulumi.ComponentResource):
    """An existing bucket at AWS or in an S3-compatible store."""

    store: BackupStore

    def __init__(self, name: str, args: ExternalBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:ExternalBackupBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        authority = service_authority(name, args.authority, namespace=args.namespace, opts=child)
        key = credential(name, args.access, namespace=args.namespace, opts=child)
        way = to_s3(args.endpoint_url, args.region, args.proxy)
        variables = dict[str, str]()
        if args.authority is not None:
            variables["AWS_CA_BUNDLE"] = authority.file
        if not args.checksums:
            variables |= WITHOUT_CHECKSUMS
        self.store = BackupStore(
            bucket=args.bucket,
            endpoint_url=args.endpoint_url,
            attachment=pods.joined(
                args.trust,
                authority.attachment,
                way.attachment,
                pods.Attachment(
                    env=(
                        *region_environment(args.region),
                        *key.env(ACCESS_KEY),
                        *(core.EnvVarArgs(name=name, value=value) for name, value in variables.items()),
                    )
                ),
            ),
            flows=way.flows,
            ready=key.ready,
        )
        self.register_outputs({})
