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
    """They are what the program writes."""
    found = combined(
        [
            document(groups=["leads"], users=["alice@example.com"], namespaces=["team-a"], everybody=False),
            document(groups=["leads", "Forschung-München"], users=[], namespaces=["team-b"], everybody=False),
        ]
    )
    assert found == KnownIdentities(
        groups=frozenset({"leads", "Forschung-München"}),
        users=frozenset({"alice@example.com"}),
        namespaces=frozenset({"team-a", "team-b"}),
    )
    assert combined([]) == NOBODY


def test_where_kubernetes_own_roles_give_access_everybody_counts() -> None:
    found = combined([document(groups=[], users=[], namespaces=[], everybody=True)])
    assert found.reviewed("admin@example.com") == "admin@example.com"
    assert found.counting(["a", "b"]) == ("a", "b")


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", json.dumps({"groups": 1, "users": [], "namespaces": []})])
def test_a_list_that_cannot_be_read_is_an_error_and_not_an_empty_list(content: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        combined([content])
