"""Wrong combinations of backups, the database and the store."""

from tests.settings.cases import EXTERNAL, S3, Case

ON: dict[str, object] = {"enabled": True}
KEY = {"kind": "secret", "name": "backups"}

CASES = {
    "backups of a database of somebody else": Case(
        {"database": EXTERNAL, "backups": ON},
        "backups.enabled",
        "is only for PostgreSQL in the cluster, but database.kind is `external`",
        "remove backups.enabled",
    ),
    "backups without a store": Case(
        {"artifacts": {"kind": "volume"}, "backups": ON},
        "backups.enabled",
        "has no store: artifacts.kind `volume` cannot hold backups",
        "use artifacts.kind `s3` or `in-cluster`",
    ),
    "backups in an existing store without a bucket": Case(
        {"artifacts": S3, "backups": ON},
        "backups.bucket",
        "is missing",
        "add it and backups.credentials",
    ),
    "a bucket for backups without its key": Case(
        {"artifacts": S3, "backups": {"bucket": "backups"}},
        "backups.credentials",
        "is missing, although backups.bucket is set",
        "add backups.credentials, or remove backups.bucket",
    ),
    "a bucket in the store that makes its own": Case(
        {"backups": {**ON, "bucket": "backups"}},
        "backups.bucket",
        "is only for artifacts.kind `s3`, but artifacts.kind is `in-cluster`",
        "remove backups.bucket",
    ),
    "backups among the artifacts": Case(
        {"artifacts": S3, "backups": {**ON, "bucket": "artifacts", "credentials": KEY}},
        "backups.bucket",
        "is the bucket of the artifacts",
        "use a separate bucket for backups",
    ),
    "a volume without room for files that wait": Case(
        {"database/storage": "3Gi", "backups": ON},
        "database.storage",
        "expected at least 4 GiB with backups",
        'set database.storage "4Gi"',
    ),
    "a proof of backups that the platform does not make": Case(
        {"server/migration": {"requireBackup": True}},
        "server.migration.requireBackup",
        "asks for a proven backup, but the platform makes no backups",
        "remove server.migration.requireBackup, or switch backups.enabled on",
    ),
    "backups for more than a year": Case(
        {"backups": {**ON, "days": 400}},
        "backups.days",
        "expected a whole number from 1 to 365",
        "the nearest possible number is 365",
    ),
}
