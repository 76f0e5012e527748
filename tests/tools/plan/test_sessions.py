from typing import Any

import pytest

from factories.access import access_matrix
from tests.tools.plan.test_people import ALICE, OIDC, compared, source
from tools.access.difference import difference
from tools.access.words import PLAIN
from tools.plan.people import People
from tools.plan.sessions import ended, last, when_access_ends

BASIC = {"login": {"kind": "basic", "users": ALICE}}
ONLY_ALICE = {"login": {"kind": "development", "users": ALICE}}
ANOTHER_SECRET = {"sessions": {"rotation": 2}}


def said(found: People) -> list[str]:
    return list(when_access_ends(found, difference(access_matrix(found.before), access_matrix(found.after)), PLAIN))


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ({"host": "ml.localhost"}, "a browser session belongs to one host"),
        (ANOTHER_SECRET, "another `sessions.rotation` draws another secret of the sessions"),
        (BASIC, ""),
        ({}, ""),
    ],
    ids=["another host", "another secret", "another login", "nothing"],
)
def test_everybody_signs_in_again_for_another_host_or_secret_and_not_for_another_login(
    sections: dict[str, Any], why: str
) -> None:
    assert ended(compared(source(**sections))) == why


@pytest.mark.parametrize(
    ("sections", "span"),
    [
        (BASIC, "12 hours (sessions.hours)"),
        ({"login": OIDC}, "15 minutes (sessions.refreshMinutes)"),
        (ONLY_ALICE, "15 minutes (sessions.refreshMinutes)"),
        ({**BASIC, **ANOTHER_SECRET}, ""),
        ({}, ""),
    ],
    ids=["passwords", "an identity provider", "fewer people", "another secret", "nothing"],
)
def test_sessions_last_until_they_are_refreshed_and_without_an_identity_provider_until_they_expire(
    sections: dict[str, Any], span: str
) -> None:
    assert last(compared(source(**sections))) == span


def test_of_a_removed_team_access_ends_at_once_in_open_sessions_too() -> None:
    users = {**ALICE, "bob@example.com": {}, "carol@example.com": {}, "dora@example.com": ALICE["alice@example.com"]}
    found = compared(
        source(teams={"team-a": {}}, login={"kind": "development", "users": users}, server={"image": "a.b/c:1"})
    )
    assert said(found) == [
        (
            "Access to team-b ends within 30 s of the `up` for everybody, in open browser sessions too"
            " (server.accessCacheSeconds)"
        )
    ]


def test_of_a_team_that_stays_sessions_keep_the_groups_until_they_are_refreshed() -> None:
    users = {**ALICE, "bob@example.com": {}, "carol@example.com": {}, "dora@example.com": ALICE["alice@example.com"]}
    assert said(compared(source(login={"kind": "development", "users": users}))) == [
        "Browser sessions that are open keep the earlier groups for up to 15 minutes (sessions.refreshMinutes)"
    ]


def test_sessions_of_people_who_can_no_longer_sign_in_may_go_on() -> None:
    assert said(compared(source(**BASIC))) == [
        "Browser sessions that are open may go on, with the rights of their groups, for up to 12 hours (sessions.hours)"
    ]
    (only,) = said(compared(source(**ONLY_ALICE)))
    assert only.startswith("Browser sessions of people who can no longer sign in that are open may go on")
