"""Mistakes and warnings in stack files whose tracking server is not part of the stack."""

import pytest

from components.exposure.certificate import authority_certificate
from tests.settings.cases import Case, check
from tests.settings.stack_files import Complaints, changed, validated

CANARY_URL = "https://admin:hunter2@tracking.example.com"
AUTHORITY = authority_certificate(b"seed", "tracking.example.com")
NO_SERVER = "has no meaning with server.kind `external` or `databricks`: no server is deployed"


def stack(**changes: object) -> dict[str, object]:
    """Changes that give the `dev` stack an external server, and further changes."""
    removed = dict.fromkeys(["host", "database", "artifacts", "login", "certificate"], ...)
    server = {"kind": "external", "url": "https://tracking.example.com", "addresses": ["192.0.2.10/32"]}
    return {**removed, "server": server, "teams": {"red": {}}, **changes}


def server(**changes: object) -> dict[str, object]:
    """The same changes with another server."""
    section = {"kind": "external", "url": "https://tracking.example.com", "addresses": ["192.0.2.10/32"], **changes}
    return stack(server={key: value for key, value in section.items() if value is not ...})


CASES = {
    "a database without a server": Case(stack(database={"kind": "in-cluster"}), "database", NO_SERVER, "remove it"),
    "a host without a server": Case(stack(host="mlflow.example.com"), "host", NO_SERVER, "remove it"),
    "replicas of no server": Case(server(replicas=2), "server.replicas", NO_SERVER, "remove it"),
    "groups without a login": Case(
        stack(teams={"red": {"groups": {"viewer": ["a"]}}}), "teams.red.groups", NO_SERVER, "remove it"
    ),
    "a URL with credentials": Case(
        server(url=CANARY_URL), "server.url", "expected the URL of a tracking server", "remove user name and password"
    ),
    "a URL with a slash at the end": Case(
        server(url="https://tracking.example.com/"), "server.url", "expected the URL", "remove the slash at the end"
    ),
    "no URL": Case(server(url=...), "server.url", "is missing; expected the URL", "add `url:` to `server`"),
    "a password in the stack file": Case(
        server(credentials={"kind": "password", "username": "a", "password": "hunter2"}),
        "server.credentials.password",
        "must not contain a secret",
        "pulumi config set --secret trackingPassword",
    ),
    "no password": Case(
        server(credentials={"kind": "password", "username": "a"}),
        "trackingPassword",
        "is missing; server.kind `external` with server.credentials.kind `password` needs it",
        "pulumi config set --secret trackingPassword",
    ),
    "an unknown kind of credentials": Case(
        server(credentials={"kind": "pasword", "username": "a"}),
        "server.credentials.kind",
        "expected `password` or `token` or `secret`",
        "did you mean `password`?",
    ),
    "a misspelt kind of server": Case(
        server(kind="externl"), "server.kind", "expected `external` or `databricks`", "did you mean `external`?"
    ),
    "an unknown kind of server": Case(
        {"server/kind": "sagemaker"},
        "server.kind",
        "expected `platform` or `external` or `databricks`",
        "choose one of them, or remove the key",
    ),
    "a key of an external server": Case(
        {"server/url": "https://tracking.example.com"},
        "server.url",
        "is not a setting",
        "the key belongs to server.kind `external`",
    ),
    "a key of an external team": Case(
        {"teams/team-a/podLabel": "a=b"},
        "teams.team-a.podLabel",
        "is not a setting",
        "the key belongs to server.kind `external` or `databricks`",
    ),
    "a label without a value": Case(
        stack(workspaces={"podLabel": "mlflow"}), "workspaces.podLabel", "key=value", "name and value of one label"
    ),
    "a label of Kubernetes' own": Case(
        stack(workspaces={"podLabel": "batch.kubernetes.io/job-name=a"}), "workspaces.podLabel", "key=value", "prefix"
    ),
    "a label that Kubernetes does not take": Case(
        stack(workspaces={"podLabel": "mlflow-cl\u00efent=true"}), "workspaces.podLabel", "key=value", "one label"
    ),
    "a version as a number": Case(
        stack(workspaces={"clientVersion": 3.17}), "workspaces.clientVersion", "like", 'write it in quotes: "3.17"'
    ),
    "http in production": Case(
        {**server(url="http://tracking.example.com"), "profile": "production"},
        "server.url",
        "uses http: credentials, runs and artifacts are sent unencrypted",
        "use https://",
    ),
    "CA certificates without TLS": Case(
        {**server(url="http://tracking.example.com"), "cluster": {"authorities": AUTHORITY}},
        "cluster.authorities",
        "is not used, because server.url uses http",
        "use https:// in server.url, or remove cluster.authorities",
    ),
    "CA certificates for Databricks": Case(
        {
            **server(kind="databricks", url=..., host="https://a.example.com", credentials={"kind": "secret"}),
            "cluster": {"authorities": AUTHORITY},
        },
        "cluster.authorities",
        "Databricks has certificates of public CAs",
        "remove it",
    ),
    "DNS nowhere": Case(
        stack(cluster={"dns": {"pods": False, "addresses": []}}),
        "cluster.dns.addresses",
        "no pod could resolve any name",
        "list the addresses of the cluster's DNS",
    ),
    "exceptions from no proxy": Case(
        stack(cluster={"noProxy": ["example.com"]}),
        "cluster.noProxy",
        "is not used, because cluster.httpsProxy is not set",
        "remove cluster.noProxy",
    ),
    "Databricks with a path": Case(
        server(kind="databricks", url=..., host="https://a.example.com/ml", credentials={"kind": "secret"}),
        "server.host",
        "expected the https URL of a Databricks workspace",
        "write only scheme and host name: https://a.example.com",
    ),
    "Databricks without credentials": Case(
        server(kind="databricks", url=..., host="https://a.example.com"),
        "server.credentials",
        "is missing; expected a mapping with `kind` `token` or `secret`",
        "add `credentials:` to `server`",
    ),
    "a request above its limit": Case(
        stack(workspaces={"limits": {"cpuRequest": "4"}}),
        "workspaces.limits.cpuRequest",
        '"4" is more than workspaces.limits.cpu',
        "lower workspaces.limits.cpuRequest",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_mistake_names_its_key_and_what_to_do(case: Case, complaints: Complaints) -> None:
    check(case, complaints)


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        (server(), []),
        (server(addresses=...), ["server.addresses"]),
        (server(addresses=..., url="https://192.0.2.10:5000"), []),
        (server(url="http://tracking.example.com"), ["server.url"]),
    ],
)
def test_what_is_allowed_but_open_is_a_warning(changes: dict[str, object], warnings: list[str]) -> None:
    validation = validated(changed("dev", changes))
    assert validation.mistakes == []
    assert [warning.path for warning in validation.warnings] == warnings


def test_a_warning_about_addresses_says_what_is_open() -> None:
    (warning,) = validated(changed("dev", server(addresses=..., url="https://tracking.example.com:8443"))).warnings
    assert "may connect to port 8443 of every address except those of cloud metadata services" in warning.problem
