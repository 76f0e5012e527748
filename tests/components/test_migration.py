import re
from dataclasses import replace

import pytest

from components.mlflow.migration import LABELS, MODULES, SchemaMigration, SchemaMigrationArgs, expected_version
from components.mlflow.proof import Proof
from components.scripts import script
from tests.cloud import autoname
from tests.components.parts import NAMESPACE, container, database, environment, opened, pod
from tests.harness import Recording, deploy


def migration(*, exclusive: bool = False, multi_tenant: bool = True, proof: Proof | None = None) -> Recording:
    def program() -> None:
        chosen = replace(database(), exclusive=exclusive)
        args = SchemaMigrationArgs(
            namespace=NAMESPACE,
            image="mlflow:1.2.3",
            database=chosen,
            multi_tenant=multi_tenant,
            minutes=20,
            proof=proof,
        )
        SchemaMigration("migration", args)

    return deploy(program)


def test_it_runs_the_servers_image_because_that_decides_the_schema() -> None:
    spec = container(migration(), "migration-job")
    assert spec["image"] == "mlflow:1.2.3"
    assert spec["command"] == ["python3", "/etc/migrate/migrate.py"]


def test_it_waits_for_the_database() -> None:
    assert "database-is-up" in migration()["migration-job"].dependencies


def test_it_signs_in_as_the_owner_with_a_password_from_a_secret() -> None:
    assert environment(container(migration(), "migration-job")) == {
        "EXPECTED_VERSION": "1.2.3",
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod
        "MLFLOW_BACKEND_STORE_URI": "postgresql+psycopg://owner@db.example.com:5432/mlflow?sslmode=require",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PGPASSWORD": "owner/password",
        "SERVER_ROLE": "mlflow",
    }


def test_without_workspaces_it_is_told_the_only_workspace_that_mlflow_will_show() -> None:
    assert environment(container(migration(multi_tenant=False), "migration-job"))["SINGLE_WORKSPACE"] == "default"


def test_a_failure_stops_the_deployment_and_the_next_one_tries_again() -> None:
    got = migration()
    job = got["migration-job"].inputs
    assert job["spec"]["backoffLimit"] == 1
    assert job["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}
    assert pod(got, "migration-job")["restartPolicy"] == "Never"


def test_its_reason_is_in_the_deployments_error() -> None:
    assert container(migration(), "migration-job")["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_it_reaches_the_database_alone_and_has_no_ingress() -> None:
    got = migration()
    assert got["migration-network"].inputs["spec"]["podSelector"] == {"matchLabels": LABELS}
    ingress, egress = opened(got["migration-network"])
    assert ingress == []
    assert [port["port"] for rule in egress for port in rule["ports"]] == [5432]


def test_with_a_proof_it_may_read_when_one_last_succeeded_and_nothing_else() -> None:
    got = migration(proof=Proof(cron_job="prove-backup", api_server=["192.0.2.1/32"]))
    spec = container(got, "migration-job")
    assert spec["command"] == ["python3", "/etc/migrate-proven/migrate_proven.py"]
    assert environment(spec)["PROOF_CRON_JOB"] == "prove-backup"
    assert got["migration-role"].inputs["rules"] == [
        {"apiGroups": ["batch"], "resources": ["cronjobs"], "resourceNames": ["prove-backup"], "verbs": ["get"]}
    ]
    (subject,) = got["migration-binding"].inputs["subjects"]
    account = autoname("migration-account")
    assert subject == {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    assert pod(got, "migration-job")["serviceAccountName"] == account
    assert got["migration-account"].inputs["automountServiceAccountToken"] is False
    assert pod(got, "migration-job")["automountServiceAccountToken"] is False
    assert "migration-binding" in got["migration-job"].dependencies
    ingress, egress = opened(got["migration-network"])
    assert ingress == []
    assert egress[1]["to"] == [{"ipBlock": {"cidr": "192.0.2.1/32"}}]


def test_with_a_proof_it_has_the_script_of_the_migration_too() -> None:
    got = migration(proof=Proof(cron_job="prove-backup", api_server=[]))
    assert set(got["migration-script"].inputs["data"]) == {"migrate_proven.py", "migrate.py", *MODULES}


def test_without_a_proof_it_has_no_rights_in_kubernetes() -> None:
    got = migration()
    assert [one.name for one in got if one.kind in {"ServiceAccount", "Role", "RoleBinding"}] == []
    assert "serviceAccountName" not in pod(got, "migration-job")


def test_a_changed_script_runs_because_it_changes_the_pod() -> None:
    got = migration()
    assert "migration-script" in got["migration-job"].dependencies
    assert "name" not in got["migration-script"].inputs["metadata"]


def test_a_drained_node_does_not_count_as_a_failure() -> None:
    (rule,) = migration()["migration-job"].inputs["spec"]["podFailurePolicy"]["rules"]
    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def test_the_jobs_deadline_comes_before_the_deployments() -> None:
    job = migration()["migration-job"]
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 20 * 60
    assert job.create_timeout == "21m"


def test_it_has_every_module_that_its_script_imports() -> None:
    got = migration()
    assert set(got["migration-script"].inputs["data"]) == {"migrate.py", *MODULES}
    local = {name.removesuffix(".py") for name in MODULES}
    imported = {
        module
        for name in ("migrate.py", *MODULES)
        for module in re.findall(r"^(?:from|import) (\w+)", script(name), re.MULTILINE)
    }
    assert local <= imported


def test_a_volume_of_one_node_is_used_on_the_servers_node() -> None:
    assert "affinity" not in pod(migration(), "migration-job")
    (wish,) = pod(migration(exclusive=True), "migration-job")["affinity"]["podAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    assert wish["podAffinityTerm"]["labelSelector"] == {"matchLabels": {**LABELS, "app.kubernetes.io/name": "mlflow"}}


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("registry.example.com:5000/ml/mlflow:1.2.3", "1.2.3"),
        ("mlflow:v1.2.3", "1.2.3"),
        ("mlflow:1.2.3-internal.4", "1.2.3"),
        ("mlflow:3.18.0rc1", "3.18.0rc1"),
        (f"mlflow:1.2.3@sha256:{'0' * 64}", "1.2.3"),
        (f"mlflow@sha256:{'0' * 64}", None),
        ("mlflow:next", None),
        ("registry.example.com:5000/1.2.3/mlflow:next", None),
        ("mlflow:20261121", None),
    ],
)
def test_a_tag_that_is_a_version_names_the_mlflow_version(image: str, version: str | None) -> None:
    assert expected_version(image) == version
