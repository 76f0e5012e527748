from typing import Any

import pytest

from tests.policy.examples import WORKLOAD, deployment
from tests.policy.judge import UNKNOWN, Asked, changed, violations

POLICY = "secrets-stay-in-secrets"
PATH = "spec.template.spec.containers.0"
REFERENCE = {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "credential", "key": "password"}}}


def in_environment(*variables: dict[str, Any]) -> list[str]:
    return violations(POLICY, deployment(changed(WORKLOAD, f"{PATH}.env", list(variables))))


def in_config_map(data: dict[str, str]) -> list[str]:
    return violations(POLICY, Asked(type="kubernetes:core/v1:ConfigMap", inputs={"data": data}))


@pytest.mark.parametrize(
    "name",
    [
        "PGPASSWORD",
        "PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "MLFLOW_TRACKING_TOKEN",
        "DATABRICKS_TOKEN",
        "OAUTH2_PROXY_CLIENT_SECRET",
        "MLFLOW_CRYPTO_KEK_PASSPHRASE",
        "OPENAI_API_KEY",
        "registry-credentials",
    ],
)
def test_a_secret_written_into_the_environment_is_a_violation(name: str) -> None:
    assert in_environment({"name": name, "value": "hunter2"}) == [
        f"container `server`: env `{name}` looks like a secret in plain text: use valueFrom.secretKeyRef"
    ]


@pytest.mark.parametrize(
    "variable",
    [
        REFERENCE,
        {"name": "PGPASSWORD", "value": UNKNOWN},
        {"name": "PGPASSWORD", "value": ""},
        {"name": "PGPASSWORD_FILE", "value": "/run/secrets/password"},
        {"name": "AWS_ACCESS_KEY_ID", "value": "AKIAEXAMPLE"},
        {"name": "TOKEN_TTL_SECONDS", "value": "30"},
        {"name": "MLFLOW_BACKEND_STORE_URI", "value": "postgresql+psycopg://mlflow@postgres:5432/mlflow"},
        {"name": UNKNOWN, "value": "hunter2"},
    ],
)
def test_a_reference_or_something_about_a_secret_is_none(variable: dict[str, Any]) -> None:
    assert in_environment(variable) == []


def test_a_password_in_a_url_is_a_violation() -> None:
    assert in_environment({"name": "DATABASE", "value": "postgresql://mlflow:hunter2@postgres/mlflow"}) == [
        "container `server`: env `DATABASE` contains a secret in plain text: use valueFrom.secretKeyRef"
    ]


@pytest.mark.parametrize(
    "word",
    ["--password=hunter2", "--client-secret=hunter2", "--db-token=x", "--uri=postgresql://mlflow:hunter2@postgres/x"],
)
@pytest.mark.parametrize("part", ["command", "args"])
def test_a_secret_on_a_command_line_is_a_violation(part: str, word: str) -> None:
    assert violations(POLICY, deployment(changed(WORKLOAD, f"{PATH}.{part}", ["server", word]))) == [
        f"container `server`: {part} contains a secret: pass it in a file or variable from a Secret"
    ]


@pytest.mark.parametrize(
    "word",
    [
        "--client-secret-file=/run/secrets/login/client-secret",
        "--pass-access-token=false",
        "--skip-jwt-bearer-tokens=true",
        "--oidc-issuer-url=https://login.example.com/realms/company",
        "--uri=postgresql://mlflow:$PGPASSWORD@postgres/x",
        UNKNOWN,
    ],
)
def test_a_file_a_switch_or_a_variable_on_a_command_line_is_none(word: str) -> None:
    assert violations(POLICY, deployment(changed(WORKLOAD, f"{PATH}.args", ["server", word]))) == []


@pytest.mark.parametrize(
    "data",
    [
        {"password": "hunter2"},
        {"MLFLOW_TRACKING_TOKEN": "hunter2"},
        {"tls.crt": "-----BEGIN EC PRIVATE KEY-----\nMHc"},
        {"settings.yaml": "uri: postgresql://mlflow:hunter2@postgres/mlflow"},
    ],
)
def test_a_secret_in_a_config_map_is_a_violation(data: dict[str, str]) -> None:
    assert len(in_config_map(data)) == 1


@pytest.mark.parametrize(
    "data",
    [
        {"ca.crt": "-----BEGIN CERTIFICATE-----\nMIIB"},
        {"role.sql": "ALTER ROLE mlflow PASSWORD :'password';"},
        {"MLFLOW_TRACKING_AUTH": "kubernetes-namespaced"},
        {"password": UNKNOWN},
    ],
)
def test_a_certificate_or_a_script_in_a_config_map_is_none(data: dict[str, str]) -> None:
    assert in_config_map(data) == []


def test_a_config_map_whose_data_are_not_decided_yet_is_none() -> None:
    assert violations(POLICY, Asked(type="kubernetes:core/v1:ConfigMap", inputs={"data": UNKNOWN})) == []


def test_a_secret_in_a_secret_is_none() -> None:
    secret = Asked(type="kubernetes:core/v1:Secret", inputs={"stringData": {"password": "hunter2"}})
    assert violations(POLICY, secret) == []
