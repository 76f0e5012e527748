import pulumi

import components as c
from components.networks import port_of
from tests.cloud import autoname
from tests.components.parts import NAMESPACE, attached
from tests.harness import Recording, deploy

KEYS = {
    "AWS_ACCESS_KEY_ID": f"{autoname('bucket-credential')}/access-key-id",
    "AWS_SECRET_ACCESS_KEY": f"{autoname('bucket-credential')}/secret-access-key",
}


def database() -> Recording:
    def program() -> dict[str, object]:
        args = c.ExternalDatabaseArgs(
            namespace=NAMESPACE,
            host="db.example.com",
            port=6432,
            name="tracking",
            user="platform",
            password=pulumi.Output.secret("hunter2"),
        )
        made = c.ExternalDatabase("database", args).database
        return {
            "uri": made.uri,
            "environment": attached(made.attachment),
            "ports": made.flows[0].ports,
        }

    return deploy(program)


def store(endpoint_url: str | None) -> Recording:
    def program() -> dict[str, object]:
        args = c.ExternalStoreArgs(
            namespace=NAMESPACE,
            bucket="artifacts",
            region="eu-central-1",
            endpoint_url=endpoint_url,
            access_key_id=pulumi.Output.secret("AKIAEXAMPLE"),
            secret_access_key=pulumi.Output.secret("hunter2"),
        )
        made = c.ExternalStore("bucket", args).store
        return {
            "uri": made.uri,
            "environment": attached(made.attachment),
            "ports": made.flows[0].ports,
        }

    return deploy(program)


def test_a_database_somewhere_else_is_reached_by_tls_and_its_password_lies_in_a_secret() -> None:
    got = database()
    assert got.exports == {
        "uri": "postgresql+psycopg://platform@db.example.com:6432/tracking?sslmode=verify-full"
        "&sslrootcert=/etc/ssl/certs/ca-certificates.crt",
        "environment": {"PGPASSWORD": f"{autoname('database-credential')}/password"},
        "ports": [6432],
    }
    assert got["database-credential"].secrets == {"stringData.password": "hunter2"}


def test_a_bucket_somewhere_else_is_reached_by_its_endpoint_and_its_keys_lie_in_a_secret() -> None:
    got = store("https://s3.example.com:9000")
    assert got.exports == {
        "uri": "s3-proxied://artifacts",
        "environment": {
            "AWS_REGION": "eu-central-1",
            "MLFLOW_S3_ENDPOINT_URL": "https://s3.example.com:9000",
            **KEYS,
        },
        "ports": [9000],
    }
    assert got["bucket-credential"].secrets == {
        "stringData.access-key-id": "AKIAEXAMPLE",
        "stringData.secret-access-key": "hunter2",
    }


def test_a_bucket_of_aws_needs_no_endpoint() -> None:
    assert store(None).exports == {
        "uri": "s3-proxied://artifacts",
        "environment": {"AWS_REGION": "eu-central-1", **KEYS},
        "ports": [443],
    }


def test_the_port_of_an_endpoint_follows_from_its_url() -> None:
    assert port_of("https://s3.example.com") == 443
    assert port_of("http://minio") == 80
    assert port_of("https://minio.example.com:9000") == 9000


def test_nothing_but_the_credential_is_made() -> None:
    assert [found.name for found in database() if found.custom] == ["database-credential"]
    assert [found.name for found in store(None) if found.custom] == ["bucket-credential"]
