"""The whole program with external services, and with volumes."""

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
def external() -> Recording:
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


def test_no_secret_of_external_services_leaves_a_secret() -> None:
    assert leaks(external()) == []
    in_secrets = {value for resource in external().of("Secret") for value in resource.secrets.values()}
    assert {secret_value(name) for name in SECRETS} <= in_secrets


def test_migration_and_server_wait_for_the_database_role() -> None:
    assert "database-role-job" in external()["migration-job"].dependencies
    assert "database-role-job" in external()["mlflow-server"].dependencies


def test_server_and_jobs_trust_the_companys_ca_certificates() -> None:
    for name in ("mlflow-server", "migration-job", "database-role-job"):
        spec = pod(external(), name)
        assert "trust" in [container["name"] for container in spec["initContainers"]], name
        mounted = [mount["mountPath"] for container in spec["containers"] for mount in container["volumeMounts"]]
        assert PUBLIC in mounted, name


def test_the_ca_bundle_exists_before_the_login_starts() -> None:
    names = [container["name"] for container in pod(external(), "mlflow-server")["initContainers"]]
    assert names.index("trust") < names.index("oauth2-proxy")


def test_with_external_services_there_are_none_in_the_cluster() -> None:
    names = {resource.name for resource in external()}
    assert not {"postgres-server", "object-store-server"} & names


def test_on_volumes_the_old_server_stops_before_the_new_one_starts() -> None:
    spec = volumes()["mlflow-server"].inputs["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_migration_has_the_database_and_not_the_artifacts() -> None:
    (container,) = pod(volumes(), "migration-job")["containers"]
    paths = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert "/mlflow" in paths
    assert "/mlflow/artifacts" not in paths


def test_an_existing_namespace_is_used_and_closed() -> None:
    got = run("dev", createNamespace=False)
    assert "platform-namespace" not in {resource.name for resource in got}
    assert got["mlflow-server"].inputs["metadata"]["namespace"] == "mlflow"
    assert got["platform-closed"].inputs["spec"]["podSelector"] == {}
