"""Creation of the store of the database's backups."""

from dataclasses import dataclass

from components.artifacts.backup_bucket import (
    ExternalBackupBucket,
    ExternalBucketArgs,
    OwnBackupBucket,
    OwnBucketArgs,
)
from components.artifacts.store_keys import AccessKey
from components.database.backups import RESTORE_LABELS, Backups, BackupStore
from components.database.postgres import LABELS
from components.database.proof import LABELS as PROOF
from components.database.undelete import LABELS as UNDELETE
from factories.context import Context
from factories.credentials import access_key
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupBucket:
    """The store of the backups, and the access keys that the store in the cluster has to accept."""

    store: BackupStore
    key: AccessKey | None = None
    """None with an existing store."""

    reader: AccessKey | None = None
    """The access key with which proofs read artifacts; None with an existing store."""


# The pods that connect to the store.
CLIENTS = (LABELS, RESTORE_LABELS, PROOF, UNDELETE)


def backup_bucket(context: Context) -> BackupBucket | None:
    """The bucket of the backups; None without backups."""
    settings = context.settings
    if not settings.backed_up:
        return None
    artifacts, backups = settings.artifacts, settings.backups
    if not isinstance(artifacts, S3Artifacts) or backups.bucket is None or backups.credentials is None:
        rotation = artifacts.rotation if isinstance(artifacts, InClusterArtifacts) else 1
        own = OwnBackupBucket("backups", OwnBucketArgs(namespace=context.namespace, rotation=rotation), context.opts)
        return BackupBucket(store=own.store, key=own.key, reader=own.reader)
    return BackupBucket(
        store=ExternalBackupBucket(
            "backups",
            ExternalBucketArgs(
                namespace=context.namespace,
                bucket=backups.bucket,
                region=artifacts.region,
                endpoint_url=artifacts.endpoint_url,
                checksums=artifacts.checksums,
                authority=artifacts.authority,
                trust=context.trust,
                proxy=context.proxy,
                access=access_key(
                    backups.credentials,
                    context.secrets.backups_access_key_id,
                    context.secrets.backups_secret_access_key,
                ),
            ),
            context.opts,
        ).store
    )


def backups(context: Context, bucket: BackupBucket | None) -> Backups | None:
    """Store, schedule and retention of PostgreSQL's backups; None without backups."""
    if bucket is None:
        return None
    return Backups(
        image=context.image(context.settings.images.backup),
        store=bucket.store,
        days=context.settings.backups.days,
        hour=context.settings.backups.hour,
    )
