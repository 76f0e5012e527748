import re
from typing import Any

import pytest

from components.database.postgres import Postgres, PostgresArgs
from tests.cloud import autoname
from tests.components.parts import CLIENT, NAMESPACE, attached, container, environment, opened, pod
from tests.harness import Recording, deploy


def postgres(name: str = "postgres", **changes: Any) -> Recording:  # noqa: ANN401 - arguments of the component
    def program() -> dict[str, object]:
        arguments: dict[str, Any] = {
            "namespace": NAMESPACE,
            "image": "postgres:17",
            "storage": "5Gi",
            "max_connections": 150,
            "shared_mebibytes": 256,
            "memory_limit": "1Gi",
            "clients": (CLIENT,),
            "durable": False,
            **changes,
        }
        database = Postgres(name, PostgresArgs(**arguments)).database
        return {
            side: {"uri": one.uri, "environment": attached(one.attachment), "role": one.role}
            for side, one in (("owner", database.owner), ("server", database.server))
        }

    return deploy(program)


@pytest.mark.parametrize(
    ("side", "secret"), [("owner", "postgres-credential"), ("server", "postgres-client-credential")]
)
def test_each_password_is_generated_and_stored_in_one_secret_only(side: str, secret: str) -> None:
    got = postgres()
    (password,) = got[secret].secrets.values()
    assert password in got.secret_values
    assert len(password) == 32
    assert got.exports[side]["environment"] == {"PGPASSWORD": f"{autoname(secret)}/password"}


def test_the_server_signs_in_as_another_role_than_the_owner() -> None:
    got = postgres()
    assert (got.exports["owner"]["role"], got.exports["server"]["role"]) == ("mlflow", "mlflow_server")


def test_the_uri_has_no_password_and_names_the_service() -> None:
    got = postgres()
    assert got.exports["owner"]["uri"] == "postgresql+psycopg://mlflow@postgres:5432/mlflow?sslmode=disable"
    assert got.exports["server"]["uri"] == "postgresql+psycopg://mlflow_server@postgres:5432/mlflow?sslmode=disable"
    assert got["postgres-service"].inputs["metadata"]["name"] == "postgres"


def test_the_password_reaches_the_pod_as_a_file_and_never_as_a_variable() -> None:
    got = postgres()
    spec = container(got, "postgres-server")
    assert environment(spec) == {
        "PGDATA": "/var/lib/postgresql/data/pgdata",
        "MAX_CONNECTIONS": "150",
        "SERVER_CONNECTIONS": "140",
        "SHARED_BUFFERS": "256MB",
    }
    volumes = [one for one in pod(got, "postgres-server")["volumes"] if "secret" in one]
    paths = {
        autoname("postgres-credential"): "/run/secrets/postgres",
        autoname("postgres-client-credential"): "/run/secrets/postgres-client",
    }
    assert {volume["secret"]["secretName"] for volume in volumes} == paths.keys()
    for volume in volumes:
        assert volume["secret"]["defaultMode"] == 0o440
        (mount,) = [one for one in spec["volumeMounts"] if one["name"] == volume["name"]]
        assert (mount["mountPath"], mount["readOnly"]) == (paths[volume["secret"]["secretName"]], True)


def test_the_memory_request_is_its_shared_buffers_and_the_limit_is_the_configured_one() -> None:
    spec = container(postgres(max_connections=420, shared_mebibytes=640, memory_limit="2560Mi"), "postgres-server")
    assert spec["resources"]["requests"]["memory"] == "640Mi"
    assert spec["resources"]["limits"]["memory"] == "2560Mi"
    assert environment(spec)["MAX_CONNECTIONS"] == "420"
    assert environment(spec)["SHARED_BUFFERS"] == "640MB"


def test_only_its_clients_reach_it_and_it_has_no_egress() -> None:
    ingress, egress = opened(postgres()["postgres-network"])
    assert ingress == [
        {"from": [{"podSelector": {"matchLabels": CLIENT}}], "ports": [{"protocol": "TCP", "port": 5432}]}
    ]
    assert egress == []


def test_the_superuser_connects_through_the_pods_socket_only() -> None:
    rules = postgres()["postgres-configuration"].inputs["data"]["pg_hba.conf"].splitlines()
    lines = [line.split() for line in rules if line and not line.startswith("#")]
    assert lines == [
        ["local", "all", "postgres", "peer"],
        ["host", "mlflow", "mlflow,mlflow_server", "all", "scram-sha-256"],
    ]


def test_one_role_owns_the_database_and_neither_can_do_anything_else() -> None:
    sql = postgres()["postgres-configuration"].inputs["data"]["role.sql"]
    for role in ("mlflow", "mlflow_server"):
        assert f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS" in sql
    assert re.search(r"CREATE DATABASE mlflow OWNER mlflow .*ENCODING ''UTF8''", sql)
    assert "REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC" in sql
    # Read from the file, so that it is in no argument, no variable and no log of statements.
    assert "cat /run/secrets/postgres/password" in sql


def test_a_database_that_recovers_is_not_ready_and_not_killed() -> None:
    spec = container(postgres(), "postgres-server")
    ready, alive = (spec[f"{probe}Probe"]["exec"]["command"][-1] for probe in ("readiness", "liveness"))
    assert ready.startswith("pg_isready")
    # pg_isready exits with 1 while the server rejects connections, as during recovery.
    assert alive == f"{ready}; [ $? -le 1 ]"


def test_startup_may_take_ten_minutes_and_shutdown_is_clean() -> None:
    spec = container(postgres(), "postgres-server")
    start = spec["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] == 600
    assert "--mode=fast" in spec["lifecycle"]["preStop"]["exec"]["command"][-1]
    (timeout,) = re.findall(r"--timeout=(\d+)", spec["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert int(timeout) < pod(postgres(), "postgres-server")["terminationGracePeriodSeconds"]


def test_the_data_are_on_a_claim_of_the_configured_size_and_class() -> None:
    (claim,) = postgres(storage_class="fast")["postgres-server"].inputs["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "5Gi"}},
    }
    (default,) = postgres()["postgres-server"].inputs["spec"]["volumeClaimTemplates"]
    assert "storageClassName" not in default["spec"]


def test_there_is_one_writer() -> None:
    assert postgres()["postgres-server"].inputs["spec"]["replicas"] == 1


@pytest.mark.parametrize("durable", [True, False])
def test_only_a_durable_server_is_protected(durable: bool) -> None:  # noqa: FBT001 - a case of the test
    protected = {resource.name for resource in postgres(durable=durable) if resource.protect}
    assert protected == ({"postgres-server"} if durable else set())
