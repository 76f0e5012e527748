"""Which identities the door of the server believes, and what it hides from the server."""

from dataclasses import replace

import pytest
from mlflow_platform_server.identity import Convention, refusal, without_credentials

CONVENTION = Convention(
    user_header="x-forwarded-email",
    groups_header="x-forwarded-groups",
    groups_separator=",",
    judged_by_token=False,
)
PERSON = {"X-Forwarded-User": "CgVhbGljZQ", "X-Forwarded-Email": "alice@example.com"}
PROGRAM = "system:serviceaccount:team-a:mlflow-client"


def headers(named: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in named.items()]


def refused(named: dict[str, str]) -> str | None:
    return refusal(headers(named), CONVENTION)


def test_a_person_with_groups_is_believed() -> None:
    assert refused({**PERSON, "X-Forwarded-Groups": "team-a-mlflow-users,everybody"}) is None


def test_a_request_of_nobody_is_left_to_the_authorisation() -> None:
    assert refused({}) is None


def test_a_service_account_is_believed_as_the_login_presents_it() -> None:
    assert refused({"X-Forwarded-User": PROGRAM, "X-Forwarded-Email": PROGRAM}) is None


@pytest.mark.parametrize(
    "groups", ["system:masters", "team-a, system:masters", "system:authenticated,x", "\xa0system:"]
)
def test_no_identity_provider_puts_anybody_into_a_group_of_kubernetes(groups: str) -> None:
    reason = refused({**PERSON, "X-Forwarded-Groups": groups})
    assert reason is not None
    assert "'system:" in reason


def test_a_group_that_only_contains_the_word_is_believed() -> None:
    assert refused({**PERSON, "X-Forwarded-Groups": "ecosystem:users,the-system:x"}) is None


@pytest.mark.parametrize("name", ["system:admin", "system:kube-controller-manager", PROGRAM])
def test_no_identity_provider_calls_a_person_as_kubernetes_calls_its_own(name: str) -> None:
    assert refused({**PERSON, "X-Forwarded-Email": name}) is not None


def test_no_token_makes_anybody_a_user_of_kubernetes_that_is_not_a_service_account() -> None:
    assert refused({"X-Forwarded-User": "system:admin", "X-Forwarded-Email": "system:admin"}) is not None


def test_a_service_account_has_no_groups() -> None:
    reason = refused({"X-Forwarded-User": PROGRAM, "X-Forwarded-Email": PROGRAM, "X-Forwarded-Groups": "team-b"})
    assert reason is not None
    assert "groups" in reason


@pytest.mark.parametrize("name", ["X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups"])
def test_a_second_header_of_the_same_name_is_refused(name: str) -> None:
    given = [*headers({**PERSON, "X-Forwarded-Groups": "a"}), (name.lower().encode(), b"another")]
    reason = refusal(given, CONVENTION)
    assert reason is not None
    assert name.lower() in reason


def test_the_user_may_come_in_another_header() -> None:
    """With passwords of its own the login sets X-Forwarded-User alone."""
    convention = replace(CONVENTION, user_header="x-forwarded-user")
    assert refusal(headers({"X-Forwarded-User": "alice"}), convention) is None
    assert refusal(headers({"X-Forwarded-User": PROGRAM}), convention) is not None
    assert refusal(headers({"X-Forwarded-User": PROGRAM, "X-Forwarded-Email": PROGRAM}), convention) is None


SENT = {
    "Host": "mlflow.example.com",
    "Authorization": "Bearer token",
    "Proxy-Authorization": "Basic x",
    "X-Forwarded-Access-Token": "token",
    "Cookie": "__Host-mlflow=session",
    "X-Forwarded-Email": "alice@example.com",
}


def test_the_server_sees_no_credential_of_its_caller() -> None:
    kept = {name.decode() for name, _ in without_credentials(headers(SENT), CONVENTION)}
    assert kept == {"host", "x-forwarded-email"}


def test_where_kubernetes_judges_the_callers_token_the_token_alone_goes_through() -> None:
    convention = replace(CONVENTION, judged_by_token=True)
    kept = {name.decode() for name, _ in without_credentials(headers(SENT), convention)}
    assert kept == {"host", "authorization", "x-forwarded-access-token", "x-forwarded-email"}
