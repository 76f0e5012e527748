"""Proof and undelete in the whole program, with backups in the in-cluster store and in an existing one."""

import functools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from components.database import proof, undelete
from components.database.proof import schedule
from components.database.scratch import MODULES
from components.scripts import script
from tests.components.parts import opened
from tests.components.pod_scripts import FOLDER
from tests.harness import Recording
from tests.policy.judge import as_asked, judge
from tests.policy.mutation import in_cluster
from tests.program.stacks import recorded, run, secret_value, stack_file
from tests.program.taint import leaks

S3_SECRETS = ("artifactsAccessKeyId", "artifactsSecretAccessKey", "backupsAccessKeyId", "backupsSecretAccessKey")


SERVER = stack_file("prod")["mlflow-platform:server"]


@functools.cache
def own() -> Recording:
    return run("dev", backups={"enabled": True, "hour": 23})


@functools.cache
def existing() -> Recording:
    return run(
        "dev",
        secrets=S3_SECRETS,
        artifacts={"kind": "s3", "bucket": "artifacts", "endpointUrl": "https://s3.example.com"},
        backups={"enabled": True, "bucket": "backups", "credentials": {"kind": "configuration"}},
    )


def job(got: Recording, name: str) -> dict[str, Any]:
    return got[f"{name}-job"].inputs["spec"]["jobTemplate"]["spec"]


def containers(got: Recording, name: str) -> dict[str, dict[str, Any]]:
    pod = job(got, name)["template"]["spec"]
    return {one["name"]: one for one in (*pod["initContainers"], *pod["containers"])}


def variables(container: dict[str, Any]) -> dict[str, str]:
    """Values of a container's variables, or name and entry of the Secret."""
    return {
        one["name"]: one.get("value") or "/".join(one["valueFrom"]["secretKeyRef"].values()) for one in container["env"]
    }


NAMES = (proof.NAME, undelete.NAME)
STACKS = pytest.mark.parametrize("stack", [own, existing], ids=["own store", "existing store"])


def test_an_evaluation_has_neither() -> None:
    assert recorded("dev").of("CronJob") == []


def test_the_proof_begins_an_hour_after_the_base_backup_and_never_twice() -> None:
    spec = own()[f"{proof.NAME}-job"].inputs["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("0 0 * * *", "Etc/UTC", "Forbid")
    assert schedule(2) == "0 3 * * *"


def test_an_undelete_is_a_template_that_kubernetes_does_not_start() -> None:
    assert own()[f"{undelete.NAME}-job"].inputs["spec"]["suspend"] is True


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_job_stays_failed_and_ends_in_time(name: str) -> None:
    spec = job(own(), name)
    assert spec["backoffLimit"] == 0
    assert spec["activeDeadlineSeconds"] == 6 * 3600


@STACKS
def test_the_policy_pack_accepts_it(stack: Any) -> None:  # noqa: ANN401 - a cached function
    assert judge(as_asked(stack(), "dev")) == []


@STACKS
def test_no_secret_leaves_its_secret(stack: Any) -> None:  # noqa: ANN401 - likewise
    assert leaks(stack()) == []


def test_the_proof_reads_backups_and_artifacts_with_two_keys_and_cannot_write_artifacts() -> None:
    env = variables(containers(own(), proof.NAME)["prove"])
    assert env["AWS_ACCESS_KEY_ID"] != env["ARTIFACTS_ACCESS_KEY_ID"]
    assert env["ARTIFACTS_DESTINATION"] == "s3-proxied://mlflow"
    assert env["ARTIFACTS_ENDPOINT_URL"] == env["BACKUP_ENDPOINT_URL"]
    identities = json.loads(own()["object-store-configuration"].inputs["stringData"]["s3.json"])["identities"]
    (reader,) = (one for one in identities if one["name"] == "reader")
    assert reader["actions"] == ["Read:mlflow", "List:mlflow"]


def test_with_an_existing_store_the_proof_has_the_key_of_its_artifacts() -> None:
    env = variables(containers(existing(), proof.NAME)["prove"])
    assert env["ARTIFACTS_DESTINATION"] == "s3-proxied://artifacts"
    assert env["BACKUP_BUCKET"] == "backups"
    assert env["AWS_ACCESS_KEY_ID"] != env["ARTIFACTS_ACCESS_KEY_ID"]
    assert secret_value("artifactsAccessKeyId") not in json.dumps(env)


def test_the_scratch_databases_of_a_proof_have_no_password_of_the_live_one_and_no_way_to_it() -> None:
    for container in containers(own(), proof.NAME).values():
        assert "PGPASSWORD" not in variables(container)
    _, egress = opened(own()["backup-proof-network"])
    assert [port["port"] for rule in egress for port in rule["ports"]] == [8333, 8333]


def test_an_undelete_signs_in_as_the_owner_in_its_last_container_alone() -> None:
    found = containers(own(), undelete.NAME)
    assert [name for name, one in found.items() if "PGPASSWORD" in variables(one)] == [undelete.CONTAINER]
    assert "mlflow@postgres" in variables(found[undelete.CONTAINER])["MLFLOW_BACKEND_STORE_URI"]
    _, egress = opened(own()["undelete-network"])
    assert [port["port"] for rule in egress for port in rule["ports"]] == [8333, 5432]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (proof.NAME, {"mlflow": 10001, "prove": None}),
        (undelete.NAME, {"restore": None, "database": None, "undelete": None}),
    ],
)
def test_only_mlflow_has_another_user_than_postgresql(name: str, expected: dict[str, int | None]) -> None:
    found = containers(own(), name)
    assert {key: one["securityContext"].get("runAsUser") for key, one in found.items()} == expected
    assert job(own(), name)["template"]["spec"]["securityContext"]["runAsUser"] == 999


@pytest.mark.parametrize("name", NAMES)
def test_the_scratch_database_is_on_the_nodes_disk_or_on_a_volume_that_is_gone_with_the_pod(name: str) -> None:
    def source(got: Recording) -> dict[str, Any]:
        (found,) = (one for one in job(got, name)["template"]["spec"]["volumes"] if one["name"] == "scratch")
        return found

    storage = own()["postgres-server"].inputs["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]
    assert source(own())["emptyDir"] == {"sizeLimit": storage["storage"]}
    changed = run("dev", backups={"enabled": True, "scratch": "volume"}, cluster={"storageClass": "fast"})
    claim = source(changed)["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]) == ("fast", storage)
    assert judge(as_asked(changed, "dev")) == []


def test_mlflow_cannot_write_to_the_volume_of_the_scratch_database() -> None:
    mounts = containers(own(), proof.NAME)["mlflow"]["volumeMounts"]
    assert [one["mountPath"] for one in mounts if not one.get("readOnly")] == ["/tmp"]  # noqa: S108 - a volume


@pytest.mark.parametrize(
    ("resource", "main", "modules"),
    [
        ("backup-proof-scripts", "prove.py", proof.MODULES),
        ("undelete-scripts", "undelete.py", undelete.MODULES),
        ("undelete-scripts", "scratch_restore.py", undelete.MODULES),
    ],
)
def test_it_has_every_module_that_its_scripts_import(resource: str, main: str, modules: tuple[str, ...]) -> None:
    there = set(own()[resource].inputs["data"])
    assert there == {*MODULES, *modules}
    ours = {name.removesuffix(".py") for name in there if name.endswith(".py")}
    waiting, seen = [main.removesuffix(".py")], set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        imported = re.findall(r"^(?:from|import) (\w+)", script(f"{name}.py"), re.MULTILINE)
        waiting += [one for one in imported if one not in seen and (FOLDER / f"{one}.py").exists()]
    assert seen <= ours


@pytest.mark.parametrize(
    ("recording", "task"),
    [
        (in_cluster, "migrate_proven"),
        (lambda: in_cluster(server={**SERVER, "migration": {"requireBackup": False}}), "migrate"),
        (lambda: in_cluster(backups={"enabled": False}), "migrate"),
        (lambda: run("dev", backups={"enabled": True}), "migrate"),
        (lambda: recorded("prod"), "migrate"),
    ],
    ids=["production", "production without", "production without backups", "an evaluation", "production on RDS"],
)
def test_only_production_with_backups_asks_for_a_proof_before_a_migration(
    recording: Callable[[], Recording], task: str
) -> None:
    (container,) = recording()["migration-job"].inputs["spec"]["template"]["spec"]["containers"]
    assert container["command"][1].endswith(f"/{task}.py")


def test_the_migration_asks_for_the_cron_job_of_the_proofs() -> None:
    got = in_cluster()
    (rule,) = got["migration-role"].inputs["rules"]
    assert rule["resourceNames"] == [got["prove-backup-job"].inputs["metadata"]["name"]]
