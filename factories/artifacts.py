"""Creation of the store of MLflow's artifacts."""

import pulumi

from components.artifacts.artifact_store import ArtifactStore
from components.artifacts.external_store import AssumedRole, ExternalStore, ExternalStoreArgs
from components.artifacts.object_store import ObjectStore, ObjectStoreArgs
from components.artifacts.volume_store import VolumeStore, VolumeStoreArgs
from components.kubernetes.credential import Source
from components.mlflow.args import LABELS as SERVER
from factories.backups import CLIENTS, BackupBucket
from factories.context import Context
from factories.credentials import access_key, team_keys
from factories.retention import retention_clients
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts, VolumeArtifacts
from settings.schema.bucket import BucketArtifacts
from settings.schema.credentials import WorkloadIdentity
from settings.secrets import required


def artifact_store(context: Context, backups: BackupBucket | None) -> ArtifactStore:
    """The artifact store: an S3 store in the cluster, a new bucket at AWS, an existing bucket, or a volume.

    `backups` is the bucket of the database's backups; a store in the cluster holds it too.
    """
    artifacts = context.settings.artifacts
    if isinstance(artifacts, InClusterArtifacts):
        return ObjectStore(
            "object-store",
            ObjectStoreArgs(
                namespace=context.namespace,
                image=context.image(context.settings.images.object_store),
                client_image=context.image(context.settings.server.image),
                pull_secrets=context.pull_secrets,
                scheduling=context.scheduling,
                storage=artifacts.storage,
                storage_class=context.settings.cluster.storage_class,
                prefix=artifacts.prefix,
                clients=(SERVER, *retention_clients(context.settings), *(CLIENTS if backups else ())),
                backups=None if backups is None else backups.key,
                reader=None if backups is None else backups.reader,
                domain=context.settings.cluster.domain,
                teams=context.settings.teams_with_keys,
                rotation=artifacts.rotation,
                durable=context.settings.durable,
                metrics=context.settings.monitoring.served,
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
            proxy=context.proxy,
            access=_access(context, artifacts),
            teams=_team_keys(context),
        ),
        context.opts,
    ).artifact_store


def _team_keys(context: Context) -> dict[str, pulumi.Output[tuple[str, str]]]:
    """Access key of each team with direct access."""
    if not context.settings.teams_with_keys:
        return {}
    return team_keys(required(context.secrets.artifacts_team_keys), context.settings.teams_with_keys)


def _access(context: Context, artifacts: S3Artifacts) -> Source | AssumedRole:
    credentials = artifacts.credentials
    if isinstance(credentials, WorkloadIdentity):
        return AssumedRole(arn=credentials.role_arn)
    return access_key(credentials, context.secrets.artifacts_access_key_id, context.secrets.artifacts_secret_access_key)
