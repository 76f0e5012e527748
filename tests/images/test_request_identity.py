"""Validation of identity headers, and removal of credentials."""

from dataclasses import replace

import pytest
from mlflow_platform_server.known_identities import KnownIdentities
from mlflow_platform_server.request_identity import IdentityHeaders, identify, passed_on
from mlflow_platform_server.scope import Caller

IDENTITY_HEADERS = IdentityHeaders(
    user_header="x-forwarded-email",
    groups_header="x-forwarded-groups",
    groups_separator=",",
    authorizes_by_token=False,
)
PERSON = {"X-Forwarded-User": "CgVhbGljZQ", "X-Forwarded-Email": "alice@example.com"}
KNOWN = KnownIdentities(groups=frozenset({"team-a-mlflow-users", "Forschung-München"}))
PROGRAM = "system:serviceaccount:team-a:mlflow-client"


def headers(named: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in named.items()]


def refused(named: dict[str, str], expected: IdentityHeaders = IDENTITY_HEADERS) -> str | None:
    return identify(headers(named), expected, KNOWN).refusal


def caller(named: dict[str, str], expected: IdentityHeaders = IDENTITY_HEADERS) -> Caller:
    identified = identify(headers(named), expected, KNOWN)
    assert identified.caller is not None
    return identified.caller


def test_a_person_with_groups_is_accepted() -> None:
    assert refused({**PERSON, "X-Forwarded-Groups": "team-a-mlflow-users,everybody"}) is None


def test_an_anonymous_request_is_left_to_the_authorization() -> None:
    assert refused({}) is None
    assert identify([], IDENTITY_HEADERS, KNOWN).caller is None


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
    reason = identify(given, IDENTITY_HEADERS, KNOWN).refusal
    assert reason is not None
    assert name.lower() in reason


def test_two_tokens_are_refused_where_kubernetes_is_asked_with_the_callers_own() -> None:
    sent = [*headers(PERSON), (b"authorization", b"Bearer one"), (b"authorization", b"Bearer two")]
    assert identify(sent, replace(IDENTITY_HEADERS, authorizes_by_token=True), KNOWN).refusal
    assert identify(sent, IDENTITY_HEADERS, KNOWN).refusal is None


def test_the_user_may_come_in_another_header() -> None:
    """With the basic login, OAuth2-Proxy sets only X-Forwarded-User."""
    identity_headers = replace(IDENTITY_HEADERS, user_header="x-forwarded-user")
    assert refused({"X-Forwarded-User": "alice"}, identity_headers) is None
    assert refused({"X-Forwarded-User": PROGRAM}, identity_headers) is not None
    assert refused({"X-Forwarded-User": PROGRAM, "X-Forwarded-Email": PROGRAM}, identity_headers) is None


@pytest.mark.parametrize("group", ["kubeadm:cluster-admins", "team-b-mlflow-admins", "TEAM-A-mlflow-users", "xteam-a"])
def test_a_group_that_the_stack_file_does_not_name_does_not_count_and_stays_visible(group: str) -> None:
    found = caller({**PERSON, "X-Forwarded-Groups": f"{group}, team-a-mlflow-users"})
    assert found.groups == ("team-a-mlflow-users",)
    assert found.claimed_groups == (group, "team-a-mlflow-users")


def test_the_plugin_gets_the_groups_that_count_and_no_others() -> None:
    sent = headers({**PERSON, "X-Forwarded-Groups": "kubeadm:cluster-admins,team-a-mlflow-users,x"})
    kept = dict(passed_on(sent, IDENTITY_HEADERS, identify(sent, IDENTITY_HEADERS, KNOWN).caller))
    assert kept[b"x-forwarded-groups"] == b"team-a-mlflow-users"
    assert kept[b"x-forwarded-email"] == b"alice@example.com"


def test_without_a_group_that_counts_the_plugin_gets_no_groups() -> None:
    sent = headers({**PERSON, "X-Forwarded-Groups": "kubeadm:cluster-admins"})
    kept = dict(passed_on(sent, IDENTITY_HEADERS, identify(sent, IDENTITY_HEADERS, KNOWN).caller))
    assert b"x-forwarded-groups" not in kept


def test_names_may_have_any_letters() -> None:
    sent = headers({"X-Forwarded-Email": "zoë@example.com", "X-Forwarded-Groups": "Forschung-München"})
    found = identify(sent, IDENTITY_HEADERS, KNOWN).caller
    assert found == Caller(user="zoë@example.com", groups=("Forschung-München",), claimed_groups=("Forschung-München",))
    kept = dict(passed_on(sent, IDENTITY_HEADERS, found))
    assert kept[b"x-forwarded-email"].decode() == "zoë@example.com"
    assert kept[b"x-forwarded-groups"].decode() == "Forschung-München"


@pytest.mark.parametrize("name", ["x-forwarded-user", "x-forwarded-email", "x-forwarded-groups"])
def test_a_name_in_another_encoding_is_refused(name: str) -> None:
    """Decoded as Latin-1, it would be another name."""
    identified = identify([(name.encode(), "zoë".encode("latin-1"))], IDENTITY_HEADERS, KNOWN)
    assert identified.refusal is not None
    assert identified.caller is None


@pytest.mark.parametrize("user", ["alice\u202egro.elpmaxe@bob", "alice\u200b@example.com"])
def test_a_user_name_with_invisible_characters_is_refused(user: str) -> None:
    assert refused({"X-Forwarded-Email": user}) is not None


def test_a_refused_caller_has_a_name_for_the_audit_log_and_no_groups() -> None:
    found = caller({**PERSON, "X-Forwarded-Groups": "team-a-mlflow-users,system:masters"})
    assert found.user == "alice@example.com"
    assert found.groups == ()


SENT = {
    "Host": "mlflow.example.com",
    "Authorization": "Bearer token",
    "Proxy-Authorization": "Basic x",
    "X-Forwarded-Access-Token": "other token",
    "Cookie": "__Host-mlflow=session",
    "X-Forwarded-Email": "alice@example.com",
    "X-Forwarded-Groups": "made-by-the-token",
}


def test_the_server_sees_no_credential_of_its_caller() -> None:
    kept = {name.decode() for name, _ in passed_on(headers(SENT), IDENTITY_HEADERS, caller(SENT))}
    assert kept == {"host", "x-forwarded-email"}


def test_where_the_plugin_authorizes_by_token_only_the_verified_token_is_passed_on() -> None:
    """The login sets Authorization; a token in another header would be another caller's."""
    by_token = replace(IDENTITY_HEADERS, authorizes_by_token=True)
    found = caller(SENT, by_token)
    assert found.token == "token"  # noqa: S105 - of the request above
    kept = {name.decode() for name, _ in passed_on(headers(SENT), by_token, found)}
    assert kept == {"host", "authorization", "x-forwarded-email", "x-forwarded-groups"}


def test_with_a_token_kubernetes_itself_knows_the_groups() -> None:
    assert caller(SENT, replace(IDENTITY_HEADERS, authorizes_by_token=True)).groups == ("made-by-the-token",)


@pytest.mark.parametrize("extra", [(b"x-forwarded-groups", b"b"), (b"x-forwarded-user", b"b"), (b"x-x", b"\xfc")])
def test_a_request_with_ambiguous_headers_names_its_user_for_the_audit_log(extra: tuple[bytes, bytes]) -> None:
    expected = replace(IDENTITY_HEADERS, groups_header="x-x") if extra[0] == b"x-x" else IDENTITY_HEADERS
    identified = identify([*headers({**PERSON, "X-Forwarded-Groups": "leads"}), extra], expected, KNOWN)
    assert identified.refusal is not None
    assert identified.caller == Caller(user="alice@example.com")


def test_a_request_that_names_two_users_has_no_caller() -> None:
    identified = identify([*headers(PERSON), (b"x-forwarded-email", b"bob@example.com")], IDENTITY_HEADERS, KNOWN)
    assert identified.refusal is not None
    assert identified.caller is None
