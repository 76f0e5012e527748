import pulumi

from components.artifacts.external_store import AssumedRole, ExternalStore, ExternalStoreArgs
from components.kubernetes.credential import ConfiguredValues, ExistingSecret, Source
from components.kubernetes.networks import port_of
from tests.cloud import autoname
from tests.components.parts import AUTHORITY, NAMESPACE, attached
from tests.harness import Recording, deploy

KEYS = {
    "AWS_ACCESS_KEY_ID": f"{autoname('bucket-credential')}/access-key-id",
    "AWS_SECRET_ACCESS_KEY": f"{autoname('bucket-credential')}/secret-access-key",
}


def store(
    endpoint_url: str | None,
    authority: str | None = None,
    access: Source | AssumedRole | None = None,
    prefix: str | None = None,
    *,
    checksums: bool = True,
) -> Recording:
    """A deployed store; by default with an access key from the stack file."""

    def program() -> dict[str, object]:
        key = {
            "access-key-id": pulumi.Output.secret("AKIAEXAMPLE"),
            "secret-access-key": pulumi.Output.secret("hunter2"),
        }
        args = ExternalStoreArgs(
            namespace=NAMESPACE,
            bucket="artifacts",
            prefix=prefix,
            checksums=checksums,
            region="eu-central-1",
            endpoint_url=endpoint_url,
            authority=authority,
            access=access or ConfiguredValues(values=key),
        )
        component = ExternalStore("bucket", args).artifact_store
        return {
            "uri": component.uri,
            "environment": attached(component.attachment),
            "ports": component.flows[0].ports,
        }

    return deploy(program)


def test_a_bucket_elsewhere_has_an_endpoint_and_its_access_key_is_in_a_secret() -> None:
    got = store("https://s3.example.com:9000")
    assert got.exports == {
        "uri": "s3-proxied://artifacts",
        "environment": {
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "MLFLOW_S3_ENDPOINT_URL": "https://s3.example.com:9000",
            **KEYS,
        },
        "ports": [9000],
    }
    assert got["bucket-credential"].secrets == {
        "stringData.access-key-id": "AKIAEXAMPLE",
        "stringData.secret-access-key": "hunter2",
    }


def test_artifacts_may_lie_in_a_folder_of_the_bucket() -> None:
    assert store(None, prefix="mlflow-artifacts").exports["uri"] == "s3-proxied://artifacts/mlflow-artifacts"


def test_a_store_that_refuses_the_additional_checksums_gets_none() -> None:
    variables = store("https://storage.googleapis.com", checksums=False).exports["environment"]
    assert variables["AWS_REQUEST_CHECKSUM_CALCULATION"] == "when_required"
    assert variables["AWS_RESPONSE_CHECKSUM_VALIDATION"] == "when_required"


def test_a_bucket_of_aws_needs_no_endpoint() -> None:
    assert store(None).exports == {
        "uri": "s3-proxied://artifacts",
        "environment": {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", **KEYS},
        "ports": [443],
    }


def test_the_port_of_an_endpoint_follows_from_its_url() -> None:
    assert port_of("https://s3.example.com") == 443
    assert port_of("http://minio") == 80
    assert port_of("https://minio.example.com:9000") == 9000


def test_only_the_credential_is_created() -> None:
    assert [resource.name for resource in store(None) if resource.custom] == ["bucket-credential"]


def test_a_store_with_its_own_ca_certificate_is_trusted_by_that_alone() -> None:
    got = store("https://s3.example.com", AUTHORITY)
    assert got.exports["environment"]["AWS_CA_BUNDLE"] == "/etc/authorities/bucket/ca.crt"
    assert got["bucket-authority"].inputs["data"] == {"ca.crt": f"{AUTHORITY}\n"}


def test_an_existing_secret_creates_no_resource() -> None:
    keys = {"access-key-id": "AWS_ACCESS_KEY_ID", "secret-access-key": "AWS_SECRET_ACCESS_KEY"}
    got = store(None, access=ExistingSecret(name="company", keys=keys))
    assert [resource.name for resource in got if resource.custom] == []
    assert got.exports["environment"].items() >= {name: f"company/{name}" for name in keys.values()}.items()


def test_an_aws_role_needs_no_access_key() -> None:
    got = store(None, access=AssumedRole(arn="arn:aws:iam::123456789012:role/mlflow"))
    assert [resource.name for resource in got if resource.custom] == []
    assert got.exports["environment"]["AWS_ROLE_ARN"] == "arn:aws:iam::123456789012:role/mlflow"
    assert "AWS_ACCESS_KEY_ID" not in got.exports["environment"]
