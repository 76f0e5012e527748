"""The whole program with backups of the in-cluster PostgreSQL, and what changes without them."""

import functools
from typing import Any

import pytest

from tests.cloud import autoname
from tests.components.parts import opened
from tests.harness import Recording
from tests.program.stacks import run
from tests.program.taint import leaks

STORE = "object-store"
KEYS = {"kind": "secret", "name": "backup-key"}
S3: dict[str, object] = {
    "kind": "s3",
    "bucket": "artifacts",
    "endpointUrl": "https://s3.example.com:9000",
    "credentials": {"kind": "secret", "name": "artifact-key"},
}


@functools.cache
def backed_up() -> Recording:
    return run("dev", backups={"enabled": True, "days": 14, "hour": 3})


@functools.cache
def elsewhere() -> Recording:
    return run("dev", artifacts=S3, backups={"enabled": True, "bucket": "backups", "credentials": KEYS})


def containers(got: Recording) -> dict[str, dict[str, Any]]:
    spec = got["postgres-server"].inputs["spec"]["template"]["spec"]
    return {one["name"]: one for one in spec["containers"]}


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {
        one["name"]: one.get("value") or "/".join(one["valueFrom"]["secretKeyRef"].values()) for one in container["env"]
    }


def test_without_backups_nothing_of_them_is_there() -> None:
    got = run("dev")
    assert list(containers(got)) == ["postgres"]
    assert [resource.name for resource in got if "backup" in resource.name or "restore" in resource.name] == []


def test_the_sidecar_has_the_key_of_the_backups_and_postgresql_has_not() -> None:
    both = containers(backed_up())
    found = variables(both["backup"])
    assert found["AWS_SECRET_ACCESS_KEY"] == f"secret-access-key/{autoname('backups-credential')}"
    assert {name: found[name] for name in found if name.startswith("BACKUP_")} == {
        "BACKUP_BUCKET": "mlflow-backups",
        "BACKUP_ENDPOINT_URL": "http://object-store:8333",
        "BACKUP_DAYS": "14",
        "BACKUP_HOUR": "3",
    }
    assert not [name for name in variables(both["postgres"]) if name.startswith("AWS_")]


def test_both_containers_share_the_volume_and_the_socket() -> None:
    def paths(container: dict[str, Any]) -> dict[str, str]:
        return {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}

    both = containers(backed_up())
    # barman-cloud backs up the configuration too, and fails without it.
    for path in ("/var/lib/postgresql/data", "/var/run/postgresql", "/etc/postgresql"):
        assert paths(both["postgres"])[path] == paths(both["backup"])[path]
    assert paths(both["postgres"])["/tmp"] != paths(both["backup"])["/tmp"]  # noqa: S108 - volumes of the pod


def test_postgresql_is_started_with_an_archive_after_its_own_options() -> None:
    text = backed_up()["postgres-configuration"].inputs["data"]["postgres.sh"]
    assert text.index("shared_buffers=") < text.index("-c archive_mode=on") < text.index("pg_ctl --pgdata")
    assert variables(containers(backed_up())["postgres"])["SPOOL"] == "/var/lib/postgresql/data/spool"


@pytest.mark.parametrize("pod", ["postgres", "postgres-restore"])
def test_the_pods_that_back_up_reach_the_store_and_nothing_else(pod: str) -> None:
    got = backed_up()
    (network,) = [
        one
        for one in got
        if one.type == "kubernetes:networking.k8s.io/v1:NetworkPolicy"
        and one.inputs["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name") == pod
    ]
    _, egress = opened(network)
    (rule,) = egress
    assert rule["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == STORE
    ingress, _ = opened(got["object-store-network"])
    assert pod in [peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in ingress[0]["from"][:-1]]


def test_an_existing_store_has_a_bucket_and_a_key_for_backups_alone() -> None:
    got = elsewhere()
    found = variables(containers(got)["backup"])
    assert (found["BACKUP_BUCKET"], found["BACKUP_ENDPOINT_URL"]) == ("backups", "https://s3.example.com:9000")
    assert found["AWS_SECRET_ACCESS_KEY"] == "AWS_SECRET_ACCESS_KEY/backup-key"  # noqa: S105 - a name
    _, egress = opened(got["postgres-network"])
    assert [port["port"] for port in egress[0]["ports"]] == [9000]


def test_no_secret_is_in_plain_text() -> None:
    assert leaks(backed_up()) == []
