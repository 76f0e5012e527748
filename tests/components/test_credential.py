import pulumi

from components.kubernetes.credential import (
    ConfiguredValues,
    ExistingSecret,
    GeneratedPassword,
    Source,
    SyncedSecret,
    credential,
)
from components.kubernetes.pods import Attachment
from tests.cloud import autoname
from tests.components.parts import NAMESPACE, attached
from tests.harness import Recording, deploy


def deployed(source: Source | None, variables: dict[str, str] | None = None) -> Recording:
    """A credential; by default with a value from the stack file."""

    def program() -> dict[str, object]:
        given = source or ConfiguredValues(values={"password": pulumi.Output.secret("hunter2")})
        credential_ = credential("database", given, namespace=NAMESPACE, opts=pulumi.ResourceOptions())
        return {"environment": attached(Attachment(env=credential_.env(variables or {"PGPASSWORD": "password"})))}

    return deploy(program)


def test_a_value_of_the_stack_file_is_in_a_secret_of_its_own() -> None:
    got = deployed(None)
    assert got["database-credential"].secrets == {"stringData.password": "hunter2"}
    assert got.exports["environment"] == {"PGPASSWORD": f"{autoname('database-credential')}/password"}


def test_a_generated_password_changes_with_its_rotation_alone() -> None:
    first, second = (deployed(GeneratedPassword(rotation=number)) for number in (1, 2))
    assert first["database-password"].inputs["keepers"] == {"rotation": "1"}
    assert second["database-password"].inputs["keepers"] == {"rotation": "2"}
    assert list(first["database-credential"].secrets) == ["stringData.password"]


def test_an_existing_secret_is_used_as_it_is() -> None:
    got = deployed(ExistingSecret(name="company", keys={"password": "db-password"}))
    assert list(got) == []
    assert got.exports["environment"] == {"PGPASSWORD": "company/db-password", "PGPASSWORD_ROTATION": "1"}


def test_the_rotation_of_an_existing_secret_restarts_the_pods() -> None:
    got = deployed(ExistingSecret(name="company", keys={"password": "password"}, rotation=7))
    assert got.exports["environment"]["PGPASSWORD_ROTATION"] == "7"


def test_an_external_secret_has_each_entry_and_is_awaited() -> None:
    got = deployed(
        SyncedSecret(
            store="vault",
            store_kind="ClusterSecretStore",
            key="mlflow/bucket",
            properties={"access-key-id": "id", "secret-access-key": None},
        ),
        {"AWS_ACCESS_KEY_ID": "access-key-id", "AWS_SECRET_ACCESS_KEY": "secret-access-key"},
    )
    asked = got.one("ExternalSecret").inputs
    assert asked["apiVersion"] == "external-secrets.io/v1"
    assert asked["metadata"] == {
        "namespace": NAMESPACE,
        "name": "database-credential",
        "annotations": {"pulumi.com/waitFor": "condition=Ready"},
    }
    assert asked["spec"] == {
        "refreshInterval": "1h",
        "secretStoreRef": {"name": "vault", "kind": "ClusterSecretStore"},
        "target": {"creationPolicy": "Owner"},
        "data": [
            {"secretKey": "access-key-id", "remoteRef": {"key": "mlflow/bucket", "property": "id"}},
            {"secretKey": "secret-access-key", "remoteRef": {"key": "mlflow/bucket"}},
        ],
    }
    assert got.exports["environment"] == {
        "AWS_ACCESS_KEY_ID": "database-credential/access-key-id",
        "AWS_SECRET_ACCESS_KEY": "database-credential/secret-access-key",
        "AWS_ACCESS_KEY_ID_ROTATION": "1",
    }


def test_an_entry_can_be_a_file() -> None:
    def program() -> dict[str, object]:
        credential_ = credential(
            "login",
            ExistingSecret(name="company", keys={"client-secret": "oidc"}),
            namespace=NAMESPACE,
            opts=pulumi.ResourceOptions(),
        )
        return {"file": credential_.file("client-secret", "secret.txt")}

    secret = {"name": "company", "items": [{"key": "oidc", "path": "secret.txt"}]}
    assert deploy(program).exports["file"] == {"secret": secret}
