"""Creation of the CronJobs that restore the database's backups: the nightly proof, and the undelete of one team."""

from components.artifacts.artifact_store import ArtifactStore
from components.database.database import Database
from components.database.proof import ArtifactReader, BackupProof, BackupProofArgs, own_variables, with_key
from components.database.scratch import ScratchArgs
from components.database.undelete import Undelete, UndeleteArgs
from factories.backups import BackupBucket, backups
from factories.context import Context
from settings.schema.database import InClusterDatabase


def proof_and_undelete(
    context: Context, bucket: BackupBucket | None, database: Database, artifact_store: ArtifactStore
) -> None:
    """The CronJobs that restore backups; none without backups."""
    settings, chosen = context.settings.database, backups(context, bucket)
    if bucket is None or chosen is None or not isinstance(settings, InClusterDatabase):
        return
    scratch = ScratchArgs(
        namespace=context.namespace,
        image=context.image(context.settings.server.image),
        pull_secrets=context.pull_secrets,
        scheduling=context.scheduling,
        backups=chosen,
        storage=settings.storage,
        storage_class=context.settings.cluster.storage_class,
        on_node=context.settings.backups.scratch == "node",
    )
    # An existing store has one key for artifacts, which the proof uses as well.
    access = own_variables(artifact_store.attachment)
    if bucket.reader is not None:
        access = with_key(access, bucket.reader.secret)
    artifacts = ArtifactReader(uri=artifact_store.uri, attachment=access, flows=artifact_store.flows)
    BackupProof("backup-proof", BackupProofArgs(scratch=scratch, artifacts=artifacts), context.opts)
    Undelete("undelete", UndeleteArgs(scratch=scratch, database=database), context.opts)
