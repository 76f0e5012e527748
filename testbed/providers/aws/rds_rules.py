"""RDS's validation rules for database instances, which moto does not check."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from testbed.providers.aws.kinds import Failure
from testbed.providers.values import Object, text, whole

# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
_IDENTIFIER: Final = re.compile(r"[a-z](?:-?[a-z0-9])*")
_SNAPSHOT: Final = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
_DATABASE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_RESERVED: Final = frozenset({"admin", "rdsadmin", "rds_superuser", "user", "public"})
_LOGS: Final = frozenset({"postgresql", "upgrade", "iam-db-auth-error"})
_GP3_LEAST: Final = 20
_BACKUP_DAYS: Final = range(36)
_INSIGHT_DAYS: Final = frozenset({7, 731, *(31 * months for months in range(1, 24))})
_SNAPSHOT_LONGEST: Final = 255


def failures(inputs: Object) -> Iterable[Failure]:
    """Return all validation failures of an instance's inputs."""
    yield from _names(inputs)
    yield from _storage(inputs)
    if text(inputs, "password") and inputs.get("manageMasterUserPassword") is True:
        yield "password", '"manage_master_user_password": conflicts with password'
    days = whole(inputs, "backupRetentionPeriod")
    if days not in _BACKUP_DAYS:
        yield "backupRetentionPeriod", f"expected backup_retention_period to be in the range (0 - 35), got {days}"
    insights = whole(inputs, "performanceInsightsRetentionPeriod", default=7)
    if insights not in _INSIGHT_DAYS:
        yield "performanceInsightsRetentionPeriod", f"expected 7, 731 or a multiple of 31 up to 713, got {insights}"
    logs = inputs.get("enabledCloudwatchLogsExports")
    if isinstance(logs, list) and not _LOGS.issuperset(map(str, logs)):
        yield "enabledCloudwatchLogsExports", f"expected only logs from {sorted(_LOGS)}, got {logs}"


def _names(inputs: Object) -> Iterable[Failure]:
    if not _IDENTIFIER.fullmatch(text(inputs, "identifier")):
        yield "identifier", "expected lowercase alphanumeric characters and single hyphens, starting with a letter"
    snapshot = text(inputs, "finalSnapshotIdentifier")
    if snapshot and (not _SNAPSHOT.fullmatch(snapshot) or len(snapshot) > _SNAPSHOT_LONGEST):
        yield "finalSnapshotIdentifier", "expected alphanumeric characters and single hyphens, starting with a letter"
    if text(inputs, "engine") == "postgres" and text(inputs, "username") in _RESERVED:
        yield "username", f"MasterUsername {text(inputs, 'username')} cannot be used as it is a reserved word"
    if text(inputs, "dbName") and not _DATABASE.fullmatch(text(inputs, "dbName")):
        yield "dbName", "expected a letter or underscore, then letters, digits and underscores, at most 63 characters"
    if text(inputs, "kmsKeyId") and not text(inputs, "kmsKeyId").startswith("arn:"):
        yield "kmsKeyId", f"{text(inputs, 'kmsKeyId')!r} is an invalid ARN"
    if not text(inputs, "instanceClass").startswith("db."):
        yield "instanceClass", f"expected an instance class that begins with db., got {text(inputs, 'instanceClass')!r}"


def _storage(inputs: Object) -> Iterable[Failure]:
    size, most = whole(inputs, "allocatedStorage"), whole(inputs, "maxAllocatedStorage")
    if text(inputs, "storageType") == "gp3" and size < _GP3_LEAST:
        yield "allocatedStorage", f"gp3 volumes have at least {_GP3_LEAST} GiB, got {size}"
    # AWS requires room for at least one step of storage autoscaling.
    if most and most * 10 < size * 11:
        yield "maxAllocatedStorage", f"has to be at least 10 % more than allocatedStorage ({size}), got {most}"
