from typing import Any

import pytest
import yaml

from factories.access import access_matrix
from settings.loader import Source, from_file
from tests.settings.stack_files import changed
from tests.tools.plan.parts import step
from tools.access.difference import Membership, difference
from tools.access.words import PLAIN
from tools.plan.people import People, people

ALICE = {"alice@example.com": {"groups": ["team-a-mlflow-users"]}}
ALL_BUT_ALICE = ["bob@example.com", "carol@example.com", "dora@example.com"]
EVERYTHING = "read, create and change, and delete"
OIDC = {"kind": "oidc", "issuer": "https://login.example.com/realms/company", "clientId": "mlflow"}


def source(**sections: Any) -> Source:  # noqa: ANN401 - sections of a stack file
    document = changed("dev", sections)
    config = {f"mlflow-platform:{key}": value for key, value in document.items()}
    return from_file(yaml.safe_dump({"config": config}))


def compared(now: Source) -> People:
    found = people("dev", source(), now)
    assert found is not None
    return found


def remarks(now: Source) -> list[str]:
    found = compared(now)
    return found.remarks(difference(access_matrix(found.before), access_matrix(found.after)), PLAIN)


def test_who_cannot_sign_in_any_more_is_named_with_what_they_lose_and_who_is_left() -> None:
    found = compared(source(login={"kind": "development", "users": ALICE}))
    assert found.gone == ALL_BUT_ALICE
    assert found.signing_in(PLAIN) == [
        f"Person bob@example.com can no longer sign in, and loses {EVERYTHING} on team team-b",
        "Person carol@example.com can no longer sign in, and had no team",
        f"Person dora@example.com can no longer sign in, and loses {EVERYTHING} on teams team-a and team-b",
        f"Who can sign in afterwards: alice@example.com ({EVERYTHING} on team team-a)",
    ]


def test_memberships_of_people_who_cannot_sign_in_are_not_listed_besides() -> None:
    found = compared(source(login={"kind": "development", "users": ALICE}))
    access = difference(access_matrix(found.before), access_matrix(found.after))
    assert any(isinstance(one, Membership) for one in access.changes)
    assert found.without_gone(access).nothing


def test_a_team_without_people_is_said() -> None:
    assert remarks(source(login={"kind": "development", "users": ALICE})) == [
        "Team team-b stays, but nobody who can sign in has access to it any more",
    ]


def test_a_person_who_loses_the_last_team_is_named() -> None:
    users = {
        **ALICE,
        "bob@example.com": {},
        "carol@example.com": {},
        "dora@example.com": {"groups": ["team-b-mlflow-users"]},
    }
    assert remarks(source(login={"kind": "development", "users": users}))[0] == (
        "Person bob@example.com can still sign in, but sees no team any more"
    )


def test_another_kind_of_login_is_told_with_both_and_what_stays() -> None:
    first, second, *_ = compared(source(login={"kind": "basic", "users": ALICE})).signing_in(PLAIN)
    assert first == (
        "Everybody signs in with names and passwords of the stack, and no longer at the development identity provider"
        " of the stack (dex)"
    )
    assert second.startswith("Unchanged: programs of teams sign in with tokens of the cluster, as before; people keep")


def test_an_identity_provider_knows_itself_who_may_sign_in() -> None:
    found = compared(source(login=OIDC))
    assert found.gone == []
    first, second = found.signing_in(PLAIN)
    assert first.startswith("Everybody signs in at an identity provider of yours")
    assert "whether people get the same names is not known to this plan" in second


@pytest.mark.parametrize(
    ("login", "who"),
    [
        ({}, "none. Today nobody is in this group, so no person gains access yet"),
        (
            {"login": {"kind": "development", "users": {**ALICE, "eve@example.com": {"groups": ["interns"]}}}},
            "eve@example.com",
        ),
        ({"login": OIDC}, "the identity provider knows them, this plan does not"),
    ],
    ids=["nobody", "a user", "an identity provider"],
)
def test_the_members_of_a_group_that_gains_are_named_as_far_as_the_stack_knows(login: dict[str, Any], who: str) -> None:
    groups = {"manager": ["team-b-mlflow-users"], "viewer": ["interns"]}
    said = remarks(source(teams={"team-a": {}, "team-b": {"groups": groups}}, **login))
    assert f"Members of group interns: {who}" in said


def binding(*users: str) -> dict[str, Any]:
    subjects = [{"kind": "Group", "name": "team-a-mlflow-users"}, *({"kind": "User", "name": user} for user in users)]
    return {"metadata": {"name": "mlflow-manager", "namespace": "team-a"}, "subjects": subjects}


@pytest.mark.parametrize(("person", "said"), [("alice@example.com", 1), ("mallory@example.com", 0)])
def test_a_person_whom_a_role_binding_names_keeps_the_rights_of_the_group(person: str, said: int) -> None:
    found = compared(source(login={"kind": "basic", "users": ALICE}))
    made = step("update", "RoleBinding", "team-a-manager-binding", old=binding(), new=binding(person))
    sentences = found.bound_by_name([made], PLAIN)
    assert len(sentences) == said
    assert all(one.endswith("no new right, and none less") for one in sentences)


@pytest.mark.parametrize("wrong", [{"kind": "nothing"}, {"kind": "development", "users": ALICE, "more": 1}])
def test_a_file_with_mistakes_says_nothing_about_people(wrong: dict[str, Any]) -> None:
    assert people("dev", source(), source(login=wrong)) is None


def test_nothing_is_said_if_nothing_changes() -> None:
    assert (compared(source()).signing_in(PLAIN), remarks(source())) == ([], [])
