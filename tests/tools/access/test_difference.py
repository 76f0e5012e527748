"""The exact sentences about changes of access in a pull request."""

import pytest

from components.team.access_matrix import NOTHING
from tests.tools.access.parts import PRICING, RESEARCH, TEAMS, access, from_to
from tools.access.difference import Difference, as_data, difference
from tools.access.words import MARKDOWN, PLAIN, sentences

ALL = "(experiments, runs, artifacts, datasets, registered models)"
NEW = "is new; data that an earlier team of this name has left in MLflow is visible again"


def sentences_of(found: Difference) -> list[str]:
    return sentences(found, MARKDOWN)


def programs(team: str) -> str:
    return f"**Programs of team {team}** (pods with the service account {team}/mlflow-client)"


def with_groups(**groups: list[str]) -> dict[str, object]:
    return {**TEAMS, "pricing": {"groups": groups}}


def test_an_intern_group_becomes_viewer_of_a_team() -> None:
    managers = ["pricing-mlflow-users", "data-platform"]
    assert sentences_of(from_to(TEAMS, with_groups(manager=managers, viewer=["pricing-interns"]))) == [
        f"**Group pricing-interns** gains *read* on team pricing {ALL}"
    ]


def test_a_team_is_added_and_a_platform_group_becomes_manager_in_two() -> None:
    before = {"pricing": {"groups": {"manager": ["pricing-mlflow-users"]}}, "research": RESEARCH}
    fraud = {"description": "Fraud detection", "groups": {"manager": ["fraud-mlflow-users", "data-platform"]}}
    assert sentences_of(from_to(before, {**TEAMS, "fraud": fraud})) == [
        f"**Group data-platform** gains *read*, *create and change*, and *delete* on teams fraud and pricing {ALL}",
        f"**Group fraud-mlflow-users** gains *read*, *create and change*, and *delete* on team fraud {ALL}",
        f"{programs('fraud')} gain *read*, and *create and change* on team fraud {ALL}",
        f"**Team fraud** {NEW}",
    ]


def test_a_team_is_archived_and_a_group_moves_from_manager_to_viewer() -> None:
    after = {
        "pricing": {"groups": {"manager": ["pricing-mlflow-users"], "viewer": ["data-platform"]}},
        "research": {"archived": True},
    }
    assert sentences_of(from_to(TEAMS, after)) == [
        ("**Team research** is archived: its groups can only read, its programs have no access, and its data stays"),
        f"**Group data-platform** loses *create and change*, and *delete* on team pricing {ALL}",
        f"**Group research-mlflow-users** loses *create and change*, and *delete* on team research {ALL}",
        f"{programs('research')} lose *read*, and *create and change* on team research {ALL}",
    ]


def test_a_group_that_moves_from_editor_to_manager_gains_what_it_did_not_have() -> None:
    assert sentences_of(from_to(with_groups(editor=["analysts"]), with_groups(manager=["analysts"]))) == [
        f"**Group analysts** gains *delete* on team pricing {ALL}"
    ]


@pytest.mark.parametrize(
    "same",
    [
        TEAMS,
        {"research": RESEARCH, "pricing": PRICING},
        {**TEAMS, "research": {"description": "Another word", "groups": {"manager": ["research-mlflow-users"]}}},
        {**TEAMS, "pricing": {"groups": {"manager": ["data-platform", "pricing-mlflow-users"]}}},
    ],
    ids=["nothing", "the order of teams", "a default written out", "the order of groups"],
)
def test_what_changes_nobodys_access_is_told_as_that(same: dict[str, object]) -> None:
    assert sentences_of(from_to(TEAMS, same)) == ["Nobody gains or loses rights in MLflow."]


def test_the_most_dangerous_gain_comes_first_and_losses_last() -> None:
    before = with_groups(viewer=["v"], manager=["m"])
    after = with_groups(viewer=["a-reader"], editor=["v", "b-writer"], manager=["z-manager"])
    found = from_to(before, after)
    assert [change.gains for change in found.changes] == [True, True, True, True, False]
    assert [sentence.split(" *", 1)[0] for sentence in sentences_of(found)] == [
        "**Group z-manager** gains",
        "**Group b-writer** gains",
        "**Group v** gains",
        "**Group a-reader** gains",
        "**Group m** loses",
    ]


def test_a_team_that_is_removed_takes_everybodys_access_with_it() -> None:
    assert sentences_of(from_to(TEAMS, {"pricing": PRICING})) == [
        (
            "**Team research** is removed: nobody can use its workspace any more; its data stays in MLflow, and a later"
            " team of this name gets it"
        ),
        f"**Group research-mlflow-users** loses *read*, *create and change*, and *delete* on team research {ALL}",
        f"{programs('research')} lose *read*, and *create and change* on team research {ALL}",
    ]


def test_a_team_that_is_archived_no_longer_gives_its_access_back() -> None:
    assert sentences_of(from_to({"research": {"archived": True}}, {"research": {}})) == [
        f"**Group research-mlflow-users** gains *create and change*, and *delete* on team research {ALL}",
        f"{programs('research')} gain *read*, and *create and change* on team research {ALL}",
        "**Team research** is no longer archived: its groups and programs have access again",
    ]


def test_a_role_that_an_archived_team_keeps_for_later_gives_nothing_today() -> None:
    groups = {"groups": {"viewer": ["interns"]}, "archived": True}
    assert from_to({"research": groups}, {"research": {**groups, "groups": {"manager": ["interns"]}}}).nothing


def test_everything_in_a_new_stack_is_a_gain() -> None:
    found = difference(NOTHING, access({"research": RESEARCH}))
    assert sentences_of(found) == [
        f"**Group research-mlflow-users** gains *read*, *create and change*, and *delete* on team research {ALL}",
        f"{programs('research')} gain *read*, and *create and change* on team research {ALL}",
        f"**Team research** {NEW}",
    ]


def test_kubernetes_own_roles_are_told_once_for_all_teams() -> None:
    found = difference(access(), access(access={"aggregateRoles": True}))
    everything, on = "*read*, *create and change*, and *delete*", f"on teams pricing and research {ALL}"
    assert sentences_of(found) == [
        f"**Holders of Kubernetes' role admin** gain {everything} {on}",
        f"**Holders of Kubernetes' role edit** gain *read*, and *create and change* {on}",
        f"**Holders of Kubernetes' role view** gain *read* {on}",
    ]


def test_programs_from_elsewhere_are_told_by_their_service_account() -> None:
    who = "**Programs of the service account worker in airflow**"
    assert sentences_of(from_to(TEAMS, {**TEAMS, "research": {"serviceAccounts": ["airflow/worker"]}})) == [
        f"{who} gain *read*, and *create and change* on team research {ALL}"
    ]


DEV: dict[str, object] = {"team-a": {}, "team-b": {}}


def users(**groups: list[str]) -> dict[str, object]:
    return {"kind": "development", "users": {f"{who}@example.com": {"groups": of} for who, of in groups.items()}}


def test_a_person_of_the_stack_file_who_changes_groups_gains_and_loses() -> None:
    before = access(DEV, "dev", login=users(alice=["team-a-mlflow-users"], bob=[]))
    after = access(DEV, "dev", login=users(alice=["team-b-mlflow-users"], bob=[]))
    may = "which may *read*, *create and change*, and *delete* on team"
    assert sentences_of(difference(before, after)) == [
        f"**Person `alice@example.com`** joins group team-b-mlflow-users, {may} team-b",
        f"**Person `alice@example.com`** leaves group team-a-mlflow-users, {may} team-a",
    ]


def test_another_identity_provider_comes_before_everything() -> None:
    login = {"kind": "oidc", "issuer": "https://id.example.com", "clientId": "mlflow"}
    assert sentences_of(difference(access(), access(login=login))) == [
        (
            "**Everybody** signs in at `https://id.example.com`, no longer at"
            " `https://login.example.com/realms/company`: a group of the same name may have other members"
        )
    ]
    (sentence,) = sentences_of(difference(access(DEV, "dev"), access(DEV, "dev", login=login)))
    assert "no longer as a user in this stack file" in sentence


@pytest.mark.parametrize(
    ("group", "shown"),
    [
        ("data_platform-2", "data_platform-2"),
        ("*all*", "`*all*`"),
        ("__x__", "`__x__`"),
        ("@company/admins", "`@company/admins`"),
        ("a|b", r"`a\|b`"),
        ("<img src=x>", "`<img src=x>`"),
        ("tick`tick", "`` tick`tick ``"),
        ("Data Platform", "`Data Platform`"),
    ],
)
def test_a_group_cannot_disguise_itself_in_the_comment(group: str, shown: str) -> None:
    found = from_to(TEAMS, with_groups(manager=["pricing-mlflow-users", "data-platform"], viewer=[group]))
    assert sentences_of(found) == [f"**Group {shown}** gains *read* on team pricing {ALL}"]
    assert sentences(found, PLAIN) == [f"Group {group} gains read on team pricing {ALL}"]


def test_the_difference_as_data_names_verbs_and_service_accounts() -> None:
    before = with_groups(manager=["leads"])
    found = as_data(from_to(before, {"pricing": {"groups": {"editor": ["leads"]}}}))
    verbs = ["get", "list", "create", "update"]
    assert found == {
        "gains": [],
        "losses": [
            {"kind": "group", "name": "research-mlflow-users", "teams": ["research"], "verbs": [*verbs, "delete"]},
            {"kind": "group", "name": "leads", "teams": ["pricing"], "verbs": ["delete"]},
            {"kind": "programs", "name": "research/mlflow-client", "teams": ["research"], "verbs": verbs},
        ],
        "teams": [{"team": "research", "event": "removed"}],
        "signIn": None,
    }


def test_an_account_that_becomes_log_only_loses_the_other_resources() -> None:
    who = "**Programs of the service account tasks in research**"
    found = from_to(
        {"research": {"serviceAccounts": ["tasks"]}},
        {"research": {"loggingAccounts": ["tasks"]}},
    )
    assert sentences_of(found) == [
        f"{who} lose *create and change* on team research (datasets, registered models)",
    ]
    assert as_data(found)["losses"][0]["resources"] == ["datasets", "registeredmodels"]


def test_a_new_log_only_account_gains_two_things() -> None:
    who = "**Programs of the service account tasks in research**"
    assert sentences_of(from_to({"research": {}}, {"research": {"loggingAccounts": ["tasks"]}})) == [
        f"{who} gain *read*, and *create and change* on team research (experiments)",
        f"{who} gain *read* on team research (datasets, registered models)",
    ]
