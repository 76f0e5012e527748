import pulumi

from components.database.external_database import (
    AdministratorArgs,
    ExternalDatabase,
    ExternalDatabaseArgs,
    ReplicaArgs,
    ServerRoleArgs,
)
from components.kubernetes.credential import ConfiguredValues, GeneratedPassword
from tests.cloud import autoname
from tests.components.parts import AUTHORITY, NAMESPACE, attached, container, environment
from tests.harness import Recording, deploy

HOSTILE = "@:/?#%&+ \"'\\ü"


def database(
    *,
    authority: str | None = None,
    administrator: bool = False,
    server: bool = False,
    replica: ReplicaArgs | None = None,
) -> Recording:
    def program() -> dict[str, object]:
        root = AdministratorArgs(
            user="root", password=ConfiguredValues(values={"password": pulumi.Output.secret("hunter2")})
        )
        given = ConfiguredValues(values={"password": pulumi.Output.secret(HOSTILE)})
        args = ExternalDatabaseArgs(
            namespace=NAMESPACE,
            host="db.example.com",
            port=6432,
            name="tracking",
            user="platform",
            password=GeneratedPassword() if administrator else given,
            authority=authority,
            server=root if administrator else ServerRoleArgs(user="app", password=given) if server else None,
            replica=replica,
            image="mlflow:1.2.3",
        )
        component = ExternalDatabase("database", args).database
        return {
            "uri": component.owner.uri,
            "environment": attached(component.owner.attachment),
            "server": {"uri": component.server.uri, "environment": attached(component.server.attachment)},
            "replica": component.replica,
            "ports": [port for flow in component.flows for port in flow.ports],
            "ready": [one.urn for one in component.ready],
        }

    return deploy(program)


def test_it_is_reached_by_tls_and_its_password_of_any_characters_is_in_a_secret() -> None:
    got = database()
    assert got.exports["uri"] == (
        "postgresql+psycopg://platform@db.example.com:6432/tracking?sslmode=verify-full"
        "&sslrootcert=/etc/ssl/certs/ca-certificates.crt"
    )
    assert got.exports["environment"] == {"PGPASSWORD": f"{autoname('database-credential')}/password"}
    assert got.exports["ports"] == [6432]
    assert got["database-credential"].secrets == {"stringData.password": HOSTILE}


def test_only_the_credential_is_created() -> None:
    assert [resource.name for resource in database() if resource.custom] == ["database-credential"]


def test_a_server_with_its_own_ca_certificate_is_trusted_by_that_alone() -> None:
    got = database(authority=AUTHORITY)
    assert got.exports["uri"].endswith("&sslrootcert=/etc/authorities/database/ca.crt")
    assert got["database-authority"].inputs["data"] == {"ca.crt": f"{AUTHORITY}\n"}


def test_with_an_administrator_its_clients_wait_for_the_role() -> None:
    got = database(administrator=True, authority=AUTHORITY)
    assert [urn.rpartition("::")[2] for urn in got.exports["ready"]] == ["database-role-job"]
    given = environment(container(got, "database-role-job"))
    assert given["SERVER_ROLE"] == "platform_server"
    assert given["SERVER_PASSWORD"] == f"{autoname('database-server-credential')}/password"
    assert given["ROLE_PASSWORD"] == f"{autoname('database-credential')}/password"
    assert given["ADMINISTRATOR_PASSWORD"] == f"{autoname('database-administrator-credential')}/password"
    assert given["PGSSLROOTCERT"] == "/etc/authorities/database/ca.crt"


def test_the_server_signs_in_as_the_role_that_the_administrator_creates_for_it() -> None:
    server = database(administrator=True).exports["server"]
    assert server["uri"].startswith("postgresql+psycopg://platform_server@db.example.com:6432/tracking?")
    assert server["environment"] == {"PGPASSWORD": f"{autoname('database-server-credential')}/password"}


def test_without_an_administrator_the_server_signs_in_as_the_configured_role() -> None:
    server = database(server=True).exports["server"]
    assert server["uri"].startswith("postgresql+psycopg://app@db.example.com:6432/tracking?")
    assert server["environment"] == {"PGPASSWORD": f"{autoname('database-server-credential')}/password"}


def test_with_one_role_the_server_signs_in_as_the_owner() -> None:
    got = database()
    assert got.exports["server"]["uri"] == got.exports["uri"]


def test_without_a_replica_there_is_no_address_of_one() -> None:
    assert "replica" not in database().exports


def test_the_replica_is_read_with_the_servers_role_and_the_same_ca_certificate() -> None:
    got = database(administrator=True, authority=AUTHORITY, replica=ReplicaArgs(host="replica.example.com", port=6432))
    assert got.exports["replica"] == (
        "postgresql+psycopg://platform_server@replica.example.com:6432/tracking?sslmode=verify-full"
        "&sslrootcert=/etc/authorities/database/ca.crt"
    )
    assert got.exports["ports"] == [6432]


def test_a_replica_at_another_port_may_be_connected_to_as_well() -> None:
    got = database(replica=ReplicaArgs(host="replica.example.com", port=6433))
    assert got.exports["ports"] == [6432, 6433]
