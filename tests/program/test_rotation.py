"""Every generated secret is replaced by a number in the stack file, except those that stored data needs."""

from typing import Any

import pytest

from tests.harness import Recording
from tests.program import stacks

# Without these, what is stored or handed out already could not be read or verified any more.
KEPT = {
    "mlflow-webhook-key": "secrets of webhooks in the database are encrypted with it",
    "certificate-seed": "clients trust the CA certificate that is made from it",
    "object-store-grpc": "a certificate that no client has or verifies",
    "users-client": "OAuth2-Proxy demands one, and nobody uses it with the basic login",
}
BASIC: dict[str, Any] = {"kind": "basic", "users": {"alice@example.com": {"groups": ["team-a-mlflow-users"]}}}
DEVELOPMENT = stacks.stack_file("dev")["mlflow-platform:login"]
LOGINS = pytest.mark.parametrize("login", [DEVELOPMENT, BASIC], ids=["development", "basic"])


def deployed(login: dict[str, Any], number: int | None) -> Recording:
    own = {} if number is None else {"rotation": number}
    teams = stacks.stack_file("dev")["mlflow-platform:teams"]
    changes: dict[str, Any] = {
        "login": {**login, **own},
        "database": {**stacks.stack_file("dev")["mlflow-platform:database"], **own},
        "artifacts": {**stacks.stack_file("dev")["mlflow-platform:artifacts"], **own},
        "sessions": {"store": "valkey", **own} if login is DEVELOPMENT else own,
        "backups": {"enabled": True},
        "monitoring": {"metrics": "annotations"},
        "teams": {name: {**team, "directAccess": True} for name, team in teams.items()},
    }
    return stacks.run("dev", **changes)


def generated(got: Recording) -> dict[str, Any]:
    return {one.name: one.inputs.get("keepers") for one in got if one.custom and one.type.startswith("random:index/")}


@LOGINS
def test_a_higher_number_replaces_every_generated_secret(login: dict[str, Any]) -> None:
    found = generated(deployed(login, 2))
    assert {name for name, keepers in found.items() if keepers != {"rotation": "2"}} == KEPT.keys() & found.keys()
    assert len(found) > len(KEPT)


@LOGINS
def test_the_first_number_changes_nothing(login: dict[str, Any]) -> None:
    assert deployed(login, 1).requests == deployed(login, None).requests
