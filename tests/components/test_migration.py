import components as c
from components.migration import LABELS
from tests.components.parts import NAMESPACE, container, database, environment, opened, pod
from tests.harness import Recording, deploy


def migration() -> Recording:
    def program() -> None:
        args = c.SchemaMigrationArgs(namespace=NAMESPACE, image="mlflow:3.17.2", database=database())
        c.SchemaMigration("migration", args)

    return deploy(program)


def test_it_runs_the_servers_image_because_that_decides_the_schema() -> None:
    spec = container(migration(), "migration-job")
    assert spec["image"] == "mlflow:3.17.2"
    assert spec["command"] == ["python3", "/etc/migrate/migrate.py"]


def test_it_waits_for_the_database() -> None:
    assert "database-is-up" in migration()["migration-job"].dependencies


def test_the_password_comes_from_the_secret_and_is_in_no_uri() -> None:
    assert environment(container(migration(), "migration-job")) == {
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod
        "MLFLOW_BACKEND_STORE_URI": "postgresql+psycopg://mlflow@db.example.com:5432/mlflow?sslmode=require",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PGPASSWORD": "some-database/password",
    }


def test_a_failure_stops_the_deployment_and_is_tried_again_by_the_next_one() -> None:
    got = migration()
    job = got["migration-job"].inputs
    assert job["spec"]["backoffLimit"] == 2
    assert job["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}
    assert pod(got, "migration-job")["restartPolicy"] == "Never"


def test_its_reason_is_in_the_deployments_error() -> None:
    assert container(migration(), "migration-job")["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_it_reaches_the_database_alone_and_nobody_reaches_it() -> None:
    got = migration()
    assert got["migration-network"].inputs["spec"]["podSelector"] == {"matchLabels": LABELS}
    ingress, egress = opened(got["migration-network"])
    assert ingress == []
    assert [port["port"] for rule in egress for port in rule["ports"]] == [5432]


def test_a_changed_script_is_run_because_it_changes_the_pod() -> None:
    got = migration()
    assert "migration-script" in got["migration-job"].dependencies
    assert "name" not in got["migration-script"].inputs["metadata"]
