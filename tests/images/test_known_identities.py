"""Identities that count for access: those that the stack file names."""

import json
from collections.abc import Iterator

import pytest
from mlflow_platform_server import known_identities
from mlflow_platform_server.known_identities import NOBODY, UNLISTED, KnownIdentities, combined

from components.team.identities import document

KNOWN = KnownIdentities(
    groups=frozenset({"leads"}), users=frozenset({"alice@example.com"}), namespaces=frozenset({"team-a", "airflow"})
)


@pytest.fixture
def _nobody_afterwards() -> Iterator[None]:
    yield
    known_identities.replace(NOBODY)


@pytest.mark.parametrize(
    "user", ["alice@example.com", "system:serviceaccount:team-a:mlflow-client", "system:serviceaccount:airflow:worker"]
)
def test_reviews_about_somebody_whom_the_stack_file_names_have_their_name(user: str) -> None:
    assert KNOWN.reviewed(user) == user


@pytest.mark.parametrize(
    "user",
    [
        "admin@example.com",
        "ALICE@example.com",
        "system:admin",
        "system:serviceaccount:kube-system:admin",
        "system:serviceaccount:team-a",
        "system:serviceaccount:team-a:",
        "system:serviceaccount:team-a-x:mlflow-client",
        "team-a:mlflow-client",
        "system:masters",
        "",
    ],
)
def test_reviews_about_anybody_else_have_a_name_that_no_binding_has(user: str) -> None:
    assert KNOWN.reviewed(user) == UNLISTED + user


def test_the_name_cannot_be_guessed() -> None:
    random = UNLISTED.split(":")[2]
    assert len(bytes.fromhex(random)) == 16


@pytest.mark.usefixtures("_nobody_afterwards")
def test_nobody_counts_before_the_lists_were_read() -> None:
    assert known_identities.reviewed_user("alice@example.com") == f"{UNLISTED}alice@example.com"
    known_identities.replace(KNOWN)
    assert known_identities.reviewed_user("alice@example.com") == "alice@example.com"
    assert known_identities.known() is KNOWN


def test_the_lists_of_all_teams_count_together() -> None:
    """The program writes one list for each team."""
    found, faults = combined(
        {
            "a": document(groups=["leads"], users=["alice@example.com"], namespaces=["team-a"], everybody=False),
            "b": document(groups=["leads", "Forschung-München"], users=[], namespaces=["team-b"], everybody=False),
        }
    )
    assert faults == {}
    assert found == KnownIdentities(
        groups=frozenset({"leads", "Forschung-München"}),
        users=frozenset({"alice@example.com"}),
        namespaces=frozenset({"team-a", "team-b"}),
    )
    assert combined({}) == (NOBODY, {})


def test_where_kubernetes_own_roles_give_access_everybody_counts() -> None:
    found, _ = combined({"a": document(groups=[], users=[], namespaces=[], everybody=True)})
    assert found.reviewed("admin@example.com") == "admin@example.com"
    assert found.counting(["a", "b"]) == ("a", "b")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "null",
        "[" * 100_000,
        json.dumps({"groups": 1, "users": [], "namespaces": [], "everybody": False}),
        json.dumps({"groups": ["x"], "users": "alice", "namespaces": [], "everybody": False}),
        json.dumps({"groups": ["x"], "users": [], "namespaces": [None], "everybody": False}),
        json.dumps({"groups": ["x"], "users": [], "namespaces": ["x"]}),
        json.dumps({"groups": ["x"], "users": [], "namespaces": ["x"], "everybody": "yes"}),
    ],
)
def test_a_malformed_list_is_named_and_counts_for_nothing_while_the_others_count(content: str) -> None:
    good = document(groups=["leads"], users=["alice@example.com"], namespaces=["team-a", "airflow"], everybody=False)
    found, faults = combined({"broken-identities": content, "team-a-identities": good})
    assert found == KNOWN
    assert list(faults) == ["broken-identities"]
    assert faults["broken-identities"]
