"""The whole program on services that somebody else runs, and on volumes."""

import functools
from typing import Any

from components.exposure.certificate import authority_certificate
from components.kubernetes.ca_certificates import PUBLIC
from tests.harness import Recording
from tests.program.stacks import run, secret_value
from tests.program.taint import leaks

AUTHORITY = authority_certificate(b"seed", "example.com")
SECRETS = (
    "databasePassword",
    "databaseAdministratorPassword",
    "artifactsAccessKeyId",
    "artifactsSecretAccessKey",
)


@functools.cache
def others() -> Recording:
    return run(
        "dev",
        secrets=SECRETS,
        cluster={"authorities": AUTHORITY},
        database={
            "kind": "external",
            "host": "postgres.example.com",
            "authority": AUTHORITY,
            "administrator": {"user": "postgres"},
        },
        artifacts={"kind": "s3", "bucket": "artifacts", "endpointUrl": "https://s3.example.com"},
    )


@functools.cache
def volumes() -> Recording:
    return run("dev", database={"kind": "sqlite"}, artifacts={"kind": "volume"})


def pod(got: Recording, name: str) -> dict[str, Any]:
    return got[name].inputs["spec"]["template"]["spec"]


def test_the_secrets_of_others_services_leave_no_secret() -> None:
    assert leaks(others()) == []
    in_secrets = {value for found in others().of("Secret") for value in found.secrets.values()}
    assert {secret_value(name) for name in SECRETS} <= in_secrets


def test_schema_and_server_wait_for_the_role() -> None:
    assert "database-role-job" in others()["migration-job"].dependencies
    assert "database-role-job" in others()["mlflow-server"].dependencies


def test_server_and_jobs_believe_the_companys_authorities() -> None:
    for name in ("mlflow-server", "migration-job", "database-role-job"):
        spec = pod(others(), name)
        assert "trust" in [container["name"] for container in spec["initContainers"]], name
        mounted = [mount["mountPath"] for container in spec["containers"] for mount in container["volumeMounts"]]
        assert PUBLIC in mounted, name


def test_the_bundle_is_there_before_the_login_starts() -> None:
    names = [container["name"] for container in pod(others(), "mlflow-server")["initContainers"]]
    assert names.index("trust") < names.index("oauth2-proxy")


def test_what_runs_beside_others_services_is_not_made() -> None:
    names = {found.name for found in others()}
    assert not {"postgres-server", "object-store-server"} & names


def test_on_volumes_one_server_ends_before_the_next_one_starts() -> None:
    spec = volumes()["mlflow-server"].inputs["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_migration_has_the_database_and_not_the_artifacts() -> None:
    (container,) = pod(volumes(), "migration-job")["containers"]
    paths = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert "/mlflow" in paths
    assert "/mlflow/artifacts" not in paths


def test_a_namespace_that_exists_is_used_and_closed() -> None:
    got = run("dev", createNamespace=False)
    assert "platform-namespace" not in {found.name for found in got}
    assert got["mlflow-server"].inputs["metadata"]["namespace"] == "mlflow"
    assert got["platform-closed"].inputs["spec"]["podSelector"] == {}
