"""Permissions that the program's policies grant at AWS: each pod identity tries everything, allowed or not.

The policies are evaluated by the AWS stand-in. It is not AWS: docs/aws.md lists what it cannot show.
"""

import json
from collections.abc import Mapping
from functools import cache

import pytest
from botocore.exceptions import ClientError

from testbed.tests.aws.people import PEOPLE
from testbed.tests.aws.world import World

CASES = [
    pytest.param(who, number, id=f"{who}: {attempt.name}")
    for who, person in PEOPLE.items()
    for number, (attempt, _) in enumerate(person.tries())
]
NEEDED: dict[str, set[str]] = {who: set() for who in PEOPLE}


@pytest.fixture(scope="module")
def outcomes(world: World) -> Mapping[str, list[bool]]:
    """Results of all attempts of each identity, in order. Fills `NEEDED` with the actions that were allowed."""
    found: dict[str, list[bool]] = {}
    for who, person in PEOPLE.items():
        key = person.key(world)
        world.aws.forget_actions()
        found[who] = [attempt.succeeds(world, key) for attempt, _ in person.tries()]
        NEEDED[who] |= {
            entry.action
            for entry in world.aws.actions()
            if entry.verdict == "allow" and f"/{world.role_name(person.role)}/" in entry.caller
        }
    return found


@cache
def expected(who: str) -> list[bool]:
    return [admitted for _, admitted in PEOPLE[who].tries()]


@pytest.mark.parametrize(("who", "number"), CASES)
def test_every_identity_may_do_what_it_needs_and_nothing_else(
    outcomes: Mapping[str, list[bool]], who: str, number: int
) -> None:
    assert outcomes[who][number] is expected(who)[number]


@pytest.mark.parametrize("who", PEOPLE)
def test_every_identity_has_cases_that_are_allowed_and_cases_that_are_not(who: str) -> None:
    assert set(expected(who)) == {True, False}


@pytest.mark.usefixtures("outcomes")
@pytest.mark.parametrize("who", PEOPLE)
def test_no_policy_allows_an_action_that_no_case_needs(world: World, who: str) -> None:
    policy = json.loads(world.policy(PEOPLE[who].role))
    allowed = {
        action
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert allowed == NEEDED[who]


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(
    ("namespace", "account"),
    [("pricing", "mlflow-client"), ("research", "default"), ("default", "mlflow"), ("mlflow", "default")],
)
def test_pods_of_other_service_accounts_cannot_assume_a_role(
    world: World, who: str, namespace: str, account: str
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        world.pod(world.role(PEOPLE[who].role), namespace, account)


@pytest.mark.parametrize("who", PEOPLE)
def test_a_token_for_another_audience_cannot_assume_a_role(world: World, who: str) -> None:
    person = PEOPLE[who]
    with pytest.raises(ClientError):
        world.pod(world.role(person.role), person.namespace, person.account, audience=["mlflow"])
