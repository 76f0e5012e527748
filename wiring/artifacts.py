"""Where MLflow keeps artifacts."""

import components as c
import settings as s
from components.artifact_store import ArtifactStore
from components.credential import Source
from components.server import LABELS as SERVER
from stackfile.model.credentials import WorkloadIdentity
from wiring.context import Context
from wiring.credentials import access_key


def artifacts(context: Context) -> ArtifactStore:
    """An S3 store in the cluster, a bucket of the platform's own at AWS, one that exists, or a volume."""
    chosen = context.settings.artifacts
    if isinstance(chosen, s.InClusterArtifacts):
        return c.ObjectStore(
            "object-store",
            c.ObjectStoreArgs(
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
    if isinstance(chosen, s.BucketArtifacts):
        from wiring.aws import bucket  # noqa: PLC0415 - loads pulumi_aws, which takes seconds

        return bucket(context, chosen)
    if isinstance(chosen, s.VolumeArtifacts):
        return c.VolumeStore(
            "artifacts",
            c.VolumeStoreArgs(
                namespace=context.namespace,
                storage=chosen.storage,
                storage_class=context.settings.cluster.storage_class,
            ),
            context.opts,
        ).store
    return c.ExternalStore(
        "bucket",
        c.ExternalStoreArgs(
            namespace=context.namespace,
            bucket=chosen.bucket,
            region=chosen.region,
            endpoint_url=chosen.endpoint_url,
            authority=chosen.authority,
            access=_access(context, chosen),
        ),
        context.opts,
    ).store


def _access(context: Context, chosen: s.S3Artifacts) -> Source | c.RoleOfAws:
    given = chosen.credentials
    if isinstance(given, WorkloadIdentity):
        return c.RoleOfAws(arn=given.role_arn)
    return access_key(given, context.secrets.artifacts_access_key_id, context.secrets.artifacts_secret_access_key)
