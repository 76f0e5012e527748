"""Rules of the section `backups`: what is backed up, and the store for it."""

from collections.abc import Iterator

from settings.faults import Fault, setting
from settings.partial import key
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts
from settings.schema.database import InClusterDatabase
from settings.schema.stack import Settings
from settings.types.quantities import GIBIBYTE, gibibytes, size_in_bytes

# Beside the data and PostgreSQL's own log: files that wait while the store is away.
LEAST_STORAGE_BYTES = 4 * GIBIBYTE
# Of the policy pack, for profile `production`.
RULE = "databases-have-backups"


def database(settings: Settings) -> Iterator[Fault]:
    """Check that backups are switched on only for the in-cluster PostgreSQL."""
    path, kind = key(settings.backups, lambda one: one.enabled), key(settings, lambda one: one.database.kind)
    if path.written and settings.backups.enabled and not isinstance(settings.database, InClusterDatabase):
        yield Fault(
            path,
            f"is only for PostgreSQL in the cluster, but {kind} is `{settings.database.kind}`, which has backups of"
            " its own or none",
            f"remove {path}",
        )


def store(settings: Settings) -> Iterator[Fault]:
    """Check that bucket and credentials are set only for an existing store, and either both or neither.

    The bucket must not be the bucket of the artifacts.
    """
    backups = settings.backups
    bucket, credentials = key(backups, lambda one: one.bucket), key(backups, lambda one: one.credentials)
    if not isinstance(settings.artifacts, S3Artifacts):
        kind = key(settings, lambda one: one.artifacts.kind)
        for path in (bucket, credentials):
            if path.written:
                yield Fault(
                    path,
                    f"is only for artifacts.kind `s3`, but {kind} is `{settings.artifacts.kind}`",
                    f"remove {path}",
                )
    elif bucket.written != credentials.written:
        there, missing = (bucket, credentials) if bucket.written else (credentials, bucket)
        yield Fault(missing, f"is missing, although {there} is set", f"add {missing}, or remove {there}")
    elif backups.bucket is not None and backups.bucket == settings.artifacts.bucket:
        yield Fault(
            bucket,
            "is the bucket of the artifacts; the MLflow server's access key could read the rows of all teams there",
            "use a separate bucket for backups",
        )


def wanted(settings: Settings) -> Iterator[Fault]:
    """Check that there is a store if the stack file switches backups on."""
    path = key(settings.backups, lambda one: one.enabled)
    if path.written and settings.backups.enabled and isinstance(settings.database, InClusterDatabase):
        yield from _without_store(settings, "there is nowhere to store backups")


def room(settings: Settings) -> Iterator[Fault]:
    """Check that PostgreSQL's volume has room for files that wait while the store is unavailable."""
    database = settings.database
    if not settings.backed_up or not isinstance(database, InClusterDatabase):
        return
    path = key(database, lambda one: one.storage)
    if size_in_bytes(database.storage) < LEAST_STORAGE_BYTES:
        yield Fault(
            path,
            f"expected at least {LEAST_STORAGE_BYTES // GIBIBYTE} GiB with backups, found {path.shown}: the volume also"
            " holds files that wait for the store",
            setting({path: gibibytes(LEAST_STORAGE_BYTES)}),
        )


def proven(settings: Settings) -> Iterator[Fault]:
    """Check that migrations require a proven backup only if the platform makes backups."""
    path = key(settings.server.migration, lambda one: one.require_backup)
    if path.written and settings.server.migration.require_backup and not settings.backed_up:
        yield Fault(
            path,
            "asks for a proven backup, but the platform makes no backups",
            f"remove {path}, or switch {key(settings.backups, lambda one: one.enabled)} on",
        )


def without(settings: Settings) -> Iterator[Fault]:
    """Warn about an in-cluster PostgreSQL without backups, outside of evaluations."""
    path = key(settings.backups, lambda one: one.enabled)
    if settings.profile == "evaluation" or not isinstance(settings.database, InClusterDatabase):
        return
    if not settings.backups.enabled:
        yield Fault(
            path,
            f"is false, so PostgreSQL has no backups{_refusal(settings)}",
            f"remove {path}, or {_otherwise(settings)}",
        )
        return
    if path.written:
        # Then it is a mistake (`wanted`).
        return
    yield from _without_store(settings, f"PostgreSQL has no backups{_refusal(settings)}")


def _refusal(settings: Settings) -> str:
    return f", which the policy pack refuses ({RULE})" if settings.profile == "production" else ""


def _otherwise(settings: Settings) -> str:
    exception = f", and give {RULE} an exception (docs/policy.md)" if settings.profile == "production" else ""
    return f"back up in another way{exception}"


def _without_store(settings: Settings, subject: str) -> Iterator[Fault]:
    artifacts = settings.artifacts
    if isinstance(artifacts, InClusterArtifacts) or settings.backed_up:
        return
    backups = settings.backups
    path = key(backups, lambda one: one.bucket)
    if isinstance(artifacts, S3Artifacts):
        yield Fault(
            path,
            f"is missing, so {subject}",
            f"add it and {key(backups, lambda one: one.credentials)}",
        )
        return
    kind = key(settings, lambda one: one.artifacts.kind)
    yield Fault(
        key(backups, lambda one: one.enabled),
        f"has no store: {kind} `{artifacts.kind}` cannot hold backups, so {subject}",
        f"use {kind} `s3` or `in-cluster`, or {_otherwise(settings)}",
    )


RULES = (database, store, wanted, room, proven)
WARNINGS = (without,)
