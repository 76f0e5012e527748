"""Where MLflow keeps artifacts."""

from components.artifacts.artifact_store import ArtifactStore
from components.artifacts.external_store import ExternalStore, ExternalStoreArgs, RoleOfAws
from components.artifacts.object_store import ObjectStore, ObjectStoreArgs
from components.artifacts.volume_store import VolumeStore, VolumeStoreArgs
from components.kubernetes.credential import Source
from components.mlflow.args import LABELS as SERVER
from factories.context import Context
from factories.credentials import access_key
from settings import BucketArtifacts, InClusterArtifacts, S3Artifacts, VolumeArtifacts
from stackfile.model.credentials import WorkloadIdentity


def artifacts(context: Context) -> ArtifactStore:
    """An S3 store in the cluster, a bucket of the platform's own at AWS, one that exists, or a volume."""
    chosen = context.settings.artifacts
    if isinstance(chosen, InClusterArtifacts):
        return ObjectStore(
            "object-store",
            ObjectStoreArgs(
                namespace=context.namespace,
                image=context.image(context.settings.images.object_store),
                client_image=context.image(context.settings.server.image),
                pull_secrets=context.pull_secrets,
                storage=chosen.storage,
                storage_class=context.settings.cluster.storage_class,
                clients=(SERVER,),
                durable=context.settings.durable,
            ),
            context.opts,
        ).store
    if isinstance(chosen, BucketArtifacts):
        from factories.aws import bucket  # noqa: PLC0415 - loads pulumi_aws, which takes seconds

        return bucket(context, chosen)
    if isinstance(chosen, VolumeArtifacts):
        return VolumeStore(
            "artifacts",
            VolumeStoreArgs(
                namespace=context.namespace,
                storage=chosen.storage,
                storage_class=context.settings.cluster.storage_class,
            ),
            context.opts,
        ).store
    return ExternalStore(
        "bucket",
        ExternalStoreArgs(
            namespace=context.namespace,
            bucket=chosen.bucket,
            region=chosen.region,
            endpoint_url=chosen.endpoint_url,
            authority=chosen.authority,
            access=_access(context, chosen),
        ),
        context.opts,
    ).store


def _access(context: Context, chosen: S3Artifacts) -> Source | RoleOfAws:
    given = chosen.credentials
    if isinstance(given, WorkloadIdentity):
        return RoleOfAws(arn=given.role_arn)
    return access_key(given, context.secrets.artifacts_access_key_id, context.secrets.artifacts_secret_access_key)
