from typing import Any

import pytest

from tools.stack import Platform, TeamAccount, parse_outputs

OUTPUTS: dict[str, Any] = {
    "url": "https://mlflow.localhost",
    "namespace": "mlflow",
    "authority": "-----BEGIN CERTIFICATE-----",
    "passwords": "[secret]",
    "teams": {
        "team-a": {"namespace": "team-a", "serviceAccount": "mlflow-client"},
        "research": {"namespace": "ml-research", "serviceAccount": "pipeline"},
    },
    "users": ["alice@example.com", "bob@example.com"],
}
TEAMS = {
    "team-a": TeamAccount(namespace="team-a", service_account="mlflow-client", workspace="team-a"),
    "research": TeamAccount(namespace="ml-research", service_account="pipeline", workspace="research"),
}


def test_a_development_stacks_outputs_become_a_platform() -> None:
    assert parse_outputs(OUTPUTS) == Platform(
        url="https://mlflow.localhost",
        namespace="mlflow",
        authority="-----BEGIN CERTIFICATE-----",
        teams=TEAMS,
        users=("alice@example.com", "bob@example.com"),
    )


def test_a_stack_with_a_company_login_and_a_public_certificate_has_neither_users_nor_an_authority() -> None:
    outputs = {key: value for key, value in OUTPUTS.items() if key in ("url", "namespace", "teams")}
    assert parse_outputs(outputs) == Platform(
        url="https://mlflow.localhost", namespace="mlflow", authority=None, teams=TEAMS, users=()
    )


@pytest.mark.parametrize("missing", ["url", "namespace", "teams"])
def test_an_output_that_is_missing_is_named(missing: str) -> None:
    outputs = {key: value for key, value in OUTPUTS.items() if key != missing}
    with pytest.raises(KeyError, match=f"^'{missing}'$"):
        parse_outputs(outputs)


def test_a_stack_says_that_its_server_is_paused() -> None:
    assert not parse_outputs(OUTPUTS).paused
    assert parse_outputs(OUTPUTS | {"paused": True}).paused
