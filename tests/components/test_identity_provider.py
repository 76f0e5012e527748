import json
import uuid
from typing import Any

from components.login.identity_provider import IdentityProvider, IdentityProviderArgs, configuration
from tests.cloud import autoname
from tests.components.parts import NAMESPACE, ROUTE, container, opened, pod
from tests.harness import Recording, deploy

ALICE, BOB = "alice@example.com", "bob@example.com"
CALLBACK = "https://mlflow.example.com/oauth2/callback"


def identity(users: dict[str, list[str]] | None = None) -> Recording:
    def program() -> dict[str, object]:
        component = IdentityProvider(
            "identity",
            IdentityProviderArgs(
                namespace=NAMESPACE,
                image="dex:v2.45.1",
                host="dex.example.com",
                redirect_uri=CALLBACK,
                users=users or {ALICE: ["team-a"], BOB: []},
                route=ROUTE,
            ),
        )
        oidc = component.oidc
        return {
            "issuer": oidc.issuer,
            "client": oidc.client_id,
            "secret": oidc.client_secret,
            "ready": [resource.urn for resource in oidc.ready],
            "passwords": component.passwords,
        }

    return deploy(program)


def test_the_configuration_has_one_client_and_one_entry_per_user() -> None:
    settings = configuration(
        issuer="https://dex.example.com",
        client=("mlflow", "client-secret"),
        redirect_uri=CALLBACK,
        users={BOB: ("$2a$bob", ()), ALICE: ("$2a$alice", ("team-a", "team-b"))},
    )
    namespace = uuid.uuid5(uuid.NAMESPACE_DNS, "dex.mlflow-platform")
    assert settings == {
        "issuer": "https://dex.example.com",
        "storage": {"type": "memory"},
        "web": {"http": "0.0.0.0:5556"},
        "telemetry": {"http": "0.0.0.0:5558"},
        "oauth2": {"skipApprovalScreen": True, "passwordConnector": "local"},
        "enablePasswordDB": True,
        "staticClients": [{"id": "mlflow", "name": "MLflow", "secret": "client-secret", "redirectURIs": [CALLBACK]}],
        "staticPasswords": [
            {
                "email": ALICE,
                "username": "alice",
                "userID": str(uuid.uuid5(namespace, ALICE)),
                "hash": "$2a$alice",
                "groups": ["team-a", "team-b"],
            },
            {
                "email": BOB,
                "username": "bob",
                "userID": str(uuid.uuid5(namespace, BOB)),
                "hash": "$2a$bob",
                "groups": [],
            },
        ],
    }


def settings(got: Recording) -> dict[str, Any]:
    return json.loads(got["identity-configuration"].inputs["stringData"]["config.json"])


def test_the_whole_configuration_is_secret() -> None:
    got = identity()
    assert got["identity-configuration"].secrets.keys() == {"stringData.config.json"}
    (volume,) = [one for one in pod(got, "identity-server")["volumes"] if "secret" in one]
    assert volume["secret"]["secretName"] == autoname("identity-configuration")


def test_every_user_has_a_password_of_their_own_which_dex_knows_as_a_hash_only() -> None:
    got = identity()
    passwords: dict[str, str] = got.exports["passwords"]
    assert passwords.keys() == {ALICE, BOB}
    assert passwords[ALICE] != passwords[BOB]
    text = got["identity-configuration"].inputs["stringData"]["config.json"]
    assert not any(f'"{password}"' in text for password in passwords.values())
    assert all(entry["hash"].startswith("$2a$") for entry in settings(got)["staticPasswords"])


def test_the_login_uses_the_client_that_dex_knows() -> None:
    got = identity()
    (client,) = settings(got)["staticClients"]
    assert (client["id"], client["secret"]) == (got.exports["client"], got.exports["secret"])
    assert settings(got)["issuer"] == got.exports["issuer"] == "https://dex.example.com"


def test_the_login_waits_for_its_ingress() -> None:
    got = identity()
    assert got.exports["ready"] == [got["identity-ingress"].urn]
    assert "identity-server" in got["identity-service"].dependencies


def test_it_is_reached_through_the_ingress_controller_alone() -> None:
    ingress, egress = opened(identity()["identity-network"])
    assert ingress == [
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}],
            "ports": [{"protocol": "TCP", "port": 5556}],
        }
    ]
    assert egress == []


def test_its_ingress_has_a_certificate_for_the_issuers_host() -> None:
    spec = identity()["identity-ingress"].inputs["spec"]
    assert spec["tls"] == [{"hosts": ["dex.example.com"], "secretName": "dex-tls"}]
    assert spec["rules"][0]["host"] == "dex.example.com"


def test_its_health_port_is_not_that_of_its_service() -> None:
    got = identity()
    spec = container(got, "identity-server")
    for probe in ("readinessProbe", "livenessProbe"):
        assert spec[probe]["httpGet"]["port"] == 5558
    assert [port["port"] for port in got["identity-service"].inputs["spec"]["ports"]] == [80]


def test_a_new_user_changes_no_other_users_password() -> None:
    before = identity().exports["passwords"]
    after = identity({ALICE: ["team-a"], BOB: [], "carol@example.com": []}).exports["passwords"]
    assert {user: after[user] for user in before} == before
