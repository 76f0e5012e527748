from dataclasses import replace
from typing import Any

import pytest

from tests.policy.judge import UNKNOWN, Asked, as_asked, changed, stack_violations
from tests.policy.mutation import in_cluster

RULE = "databases-have-backups"
SENTENCE = "is PostgreSQL without backups: add a container that takes them, or a CronJob in its namespace"
SERVER: dict[str, Any] = {"name": "db", "image": "docker.io/library/postgres:17"}
DUMP: dict[str, Any] = {"name": "nightly", "image": "postgres:17", "command": ["sh", "-c", "pg_dump shop > /mnt/shop"]}
CONTAINERS = "spec.template.spec.containers"
JOB = f"spec.jobTemplate.{CONTAINERS}"


def database(*containers: dict[str, Any], profile: str = "production", kind: str = "StatefulSet") -> Asked:
    inputs = {"metadata": {"namespace": "shop"}, "spec": {"template": {"spec": {"containers": list(containers)}}}}
    return Asked(type=f"kubernetes:apps/v1:{kind}", inputs=inputs, name="shop-db", profile=profile)


def nightly(container: dict[str, Any], namespace: str = "shop") -> Asked:
    pod = {"template": {"spec": {"containers": [container]}}}
    inputs = {"metadata": {"namespace": namespace}, "spec": {"jobTemplate": {"spec": pod}}}
    return Asked(type="kubernetes:batch/v1:CronJob", inputs=inputs, name="shop-dump", profile="production")


def found(*asked: Asked, **config: object) -> list[str]:
    return stack_violations(RULE, asked, config)


@pytest.mark.parametrize(
    "server",
    [
        SERVER,
        {"name": "db", "image": "registry.example.com:5000/mirror/postgresql@sha256:0"},
        {"name": "db", "image": "postgis/postgis:17-3.5"},
        {"name": "db", "image": "timescale/timescaledb-ha:pg17"},
        {"name": "db", "image": "ghcr.io/zalando/spilo-17:4.0-p2"},
        {"name": "db", "image": "company/db:1", "ports": [{"containerPort": 5432}]},
    ],
)
def test_postgresql_in_the_cluster_without_backups_is_a_violation_in_production(server: dict[str, Any]) -> None:
    assert found(database(server)) == [SENTENCE]


@pytest.mark.parametrize(
    "other", [{"name": "cache", "image": "valkey:8"}, {"name": "pool", "image": "postgres-exporter:0.17"}]
)
def test_what_is_no_postgresql_needs_no_backup(other: dict[str, Any]) -> None:
    assert found(database(other)) == []
    assert found(database(SERVER, kind="Deployment")) == []


@pytest.mark.parametrize("profile", ["evaluation", "small", ""])
def test_other_profiles_may_do_without_unless_a_stack_asks_for_backups(profile: str) -> None:
    asked = database(SERVER, profile=profile)
    assert found(asked) == []
    assert found(asked, profiles=[profile]) == [SENTENCE]
    assert found(asked, stacks=["prod"]) == [SENTENCE]
    assert found(asked, stacks=["preview"]) == []


@pytest.mark.parametrize(
    "sidecar",
    [
        {"name": "backup", "image": "company/tools:1"},
        {"name": "archive", "image": "pgbackrest/pgbackrest:2.57"},
        {"name": "archive", "image": "company/tools:1", "args": ["wal-g", "daemon"]},
        {"name": "archive", "image": "company/tools:1", "command": ["barman-cloud-backup", "s3://x", "y"]},
    ],
)
def test_a_container_that_takes_backups_is_one(sidecar: dict[str, Any]) -> None:
    assert found(database(SERVER, sidecar)) == []
    assert found(database(SERVER, {**sidecar, "name": "metrics", "image": "x:1", "command": [], "args": []})) == [
        SENTENCE
    ]


def test_postgresql_that_archives_by_itself_has_backups() -> None:
    assert found(database({**SERVER, "args": ["-c", "archive_command=pgbackrest archive-push %p"]})) == []
    assert found(database({**SERVER, "args": ["-c", UNKNOWN]})) == [SENTENCE]


def test_a_cron_job_in_the_same_namespace_that_dumps_the_database_is_a_backup() -> None:
    assert found(database(SERVER), nightly(DUMP)) == []
    assert found(database(SERVER), nightly(DUMP, "billing")) == [SENTENCE]
    assert found(database(SERVER), nightly({**DUMP, "command": ["psql", "-c", "VACUUM"]})) == [SENTENCE]


@pytest.mark.parametrize("path", ["metadata", "metadata.namespace", f"{JOB}.0.command", f"{JOB}.0"])
def test_a_backup_that_is_not_decided_yet_is_judged_by_the_deployment(path: str) -> None:
    cron = nightly(DUMP)
    assert found(database(SERVER), replace(cron, inputs=changed(cron.inputs, path, UNKNOWN))) == []


@pytest.mark.parametrize("path", ["metadata.namespace", f"{CONTAINERS}.0.name", f"{CONTAINERS}.0.command"])
def test_what_is_not_known_of_the_database_itself_hides_nothing(path: str) -> None:
    asked = database(SERVER)
    assert found(replace(asked, inputs=changed(asked.inputs, path, UNKNOWN))) == [SENTENCE]


@pytest.mark.parametrize("preview", [True, False])
def test_the_platform_in_production_needs_its_backups(preview: bool) -> None:  # noqa: FBT001 - a case
    assert found(*as_asked(in_cluster(preview=preview), "prod")) == []
    without = in_cluster(preview=preview, backups={"enabled": False})
    assert found(*as_asked(without, "prod")) == [SENTENCE]


def test_an_exception_says_that_somebody_else_takes_the_backups() -> None:
    exception = {"resource": "shop-db", "reason": "the storage takes snapshots", "until": "2999-12-31"}
    assert found(database(SERVER), exceptions=[exception]) == []
