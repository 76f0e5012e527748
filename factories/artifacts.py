"""Creation of the store of MLflow's artifacts."""

from components.artifacts.artifact_store import ArtifactStore
from components.artifacts.external_store import AssumedRole, ExternalStore, ExternalStoreArgs
from components.artifacts.object_store import ObjectStore, ObjectStoreArgs
from components.artifacts.volume_store import VolumeStore, VolumeStoreArgs
from components.kubernetes.credential import Source
from components.mlflow.args import LABELS as SERVER
from factories.context import Context
from factories.credentials import access_key
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts, VolumeArtifacts
from settings.schema.bucket import BucketArtifacts
from settings.schema.credentials import WorkloadIdentity


def artifact_store(context: Context) -> ArtifactStore:
    """The artifact store: an S3 store in the cluster, a new bucket at AWS, an existing bucket, or a volume."""
    artifacts = context.settings.artifacts
    if isinstance(artifacts, InClusterArtifacts):
        return ObjectStore(
            "object-store",
            ObjectStoreArgs(
                namespace=context.namespace,
                image=context.image(context.settings.images.object_store),
                client_image=context.image(context.settings.server.image),
                pull_secrets=context.pull_secrets,
                storage=artifacts.storage,
                storage_class=context.settings.cluster.storage_class,
                prefix=artifacts.prefix,
                clients=(SERVER,),
                durable=context.settings.durable,
            ),
            context.opts,
        ).artifact_store
    if isinstance(artifacts, BucketArtifacts):
        from factories.aws import bucket  # noqa: PLC0415 - loads pulumi_aws, which takes seconds

        return bucket(context, artifacts)
    if isinstance(artifacts, VolumeArtifacts):
        return VolumeStore(
            "artifacts",
            VolumeStoreArgs(
                namespace=context.namespace,
                storage=artifacts.storage,
                storage_class=context.settings.cluster.storage_class,
            ),
            context.opts,
        ).artifact_store
    return ExternalStore(
        "bucket",
        ExternalStoreArgs(
            namespace=context.namespace,
            bucket=artifacts.bucket,
            prefix=artifacts.prefix,
            region=artifacts.region,
            endpoint_url=artifacts.endpoint_url,
            checksums=artifacts.checksums,
            authority=artifacts.authority,
            access=_access(context, artifacts),
        ),
        context.opts,
    ).artifact_store


def _access(context: Context, artifacts: S3Artifacts) -> Source | AssumedRole:
    credentials = artifacts.credentials
    if isinstance(credentials, WorkloadIdentity):
        return AssumedRole(arn=credentials.role_arn)
    return access_key(credentials, context.secrets.artifacts_access_key_id, context.secrets.artifacts_secret_access_key)
