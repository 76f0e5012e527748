"""Where MLflow keeps artifacts."""

import components as c
import settings as s
from components.artifact_store import ArtifactStore
from components.server import LABELS as SERVER
from wiring.context import Context


def artifacts(context: Context) -> ArtifactStore:
    """An S3 store in the cluster, a bucket of the platform's own at AWS, or one that exists."""
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
    return c.ExternalStore(
        "bucket",
        c.ExternalStoreArgs(
            namespace=context.namespace,
            bucket=chosen.bucket,
            region=chosen.region,
            endpoint_url=chosen.endpoint_url,
            access_key_id=s.required(context.secrets.artifacts_access_key_id),
            secret_access_key=s.required(context.secrets.artifacts_secret_access_key),
        ),
        context.opts,
    ).store
