"""Validation of identity headers, and removal of credentials."""

from dataclasses import replace

import pytest
from mlflow_platform_server.request_identity import IdentityHeaders, refusal, without_credentials

IDENTITY_HEADERS = IdentityHeaders(
    user_header="x-forwarded-email",
    groups_header="x-forwarded-groups",
    groups_separator=",",
    authorizes_by_token=False,
)
PERSON = {"X-Forwarded-User": "CgVhbGljZQ", "X-Forwarded-Email": "alice@example.com"}
PROGRAM = "system:serviceaccount:team-a:mlflow-client"


def headers(named: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in named.items()]


def refused(named: dict[str, str]) -> str | None:
    return refusal(headers(named), IDENTITY_HEADERS)


def test_a_person_with_groups_is_accepted() -> None:
    assert refused({**PERSON, "X-Forwarded-Groups": "team-a-mlflow-users,everybody"}) is None


def test_an_anonymous_request_is_left_to_the_authorization() -> None:
    assert refused({}) is None


def test_a_service_account_is_accepted_as_the_login_presents_it() -> None:
    assert refused({"X-Forwarded-User": PROGRAM, "X-Forwarded-Email": PROGRAM}) is None


@pytest.mark.parametrize(
    "groups", ["system:masters", "team-a, system:masters", "system:authenticated,x", "\xa0system:"]
)
def test_a_group_that_is_reserved_for_kubernetes_is_refused(groups: str) -> None:
    reason = refused({**PERSON, "X-Forwarded-Groups": groups})
    assert reason is not None
    assert "'system:" in reason


def test_a_group_that_only_contains_the_reserved_word_is_accepted() -> None:
    assert refused({**PERSON, "X-Forwarded-Groups": "ecosystem:users,the-system:x"}) is None


@pytest.mark.parametrize("name", ["system:admin", "system:kube-controller-manager", PROGRAM])
def test_a_person_with_a_name_that_is_reserved_for_kubernetes_is_refused(name: str) -> None:
    assert refused({**PERSON, "X-Forwarded-Email": name}) is not None


def test_of_the_reserved_names_only_service_accounts_are_accepted() -> None:
    assert refused({"X-Forwarded-User": "system:admin", "X-Forwarded-Email": "system:admin"}) is not None


def test_a_service_account_has_no_groups() -> None:
    reason = refused({"X-Forwarded-User": PROGRAM, "X-Forwarded-Email": PROGRAM, "X-Forwarded-Groups": "team-b"})
    assert reason is not None
    assert "groups" in reason


@pytest.mark.parametrize("name", ["X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups"])
def test_a_second_header_of_the_same_name_is_refused(name: str) -> None:
    given = [*headers({**PERSON, "X-Forwarded-Groups": "a"}), (name.lower().encode(), b"another")]
    reason = refusal(given, IDENTITY_HEADERS)
    assert reason is not None
    assert name.lower() in reason


def test_the_user_may_come_in_another_header() -> None:
    """With passwords of its own the login sets X-Forwarded-User alone."""
    identity_headers = replace(IDENTITY_HEADERS, user_header="x-forwarded-user")
    assert refusal(headers({"X-Forwarded-User": "alice"}), identity_headers) is None
    assert refusal(headers({"X-Forwarded-User": PROGRAM}), identity_headers) is not None
    assert refusal(headers({"X-Forwarded-User": PROGRAM, "X-Forwarded-Email": PROGRAM}), identity_headers) is None


SENT = {
    "Host": "mlflow.example.com",
    "Authorization": "Bearer token",
    "Proxy-Authorization": "Basic x",
    "X-Forwarded-Access-Token": "token",
    "Cookie": "__Host-mlflow=session",
    "X-Forwarded-Email": "alice@example.com",
}


def test_the_server_sees_no_credential_of_its_caller() -> None:
    kept = {name.decode() for name, _ in without_credentials(headers(SENT), IDENTITY_HEADERS)}
    assert kept == {"host", "x-forwarded-email"}


def test_where_the_plugin_authorizes_by_token_only_the_token_is_passed_on() -> None:
    identity_headers = replace(IDENTITY_HEADERS, authorizes_by_token=True)
    kept = {name.decode() for name, _ in without_credentials(headers(SENT), identity_headers)}
    assert kept == {"host", "authorization", "x-forwarded-access-token", "x-forwarded-email"}
