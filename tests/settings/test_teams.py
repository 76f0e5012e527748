"""Settings of a team: its own values, else the defaults of all teams."""

import pytest

from settings import Settings
from settings.partial import partial
from settings.schema.base import UnknownValueError
from tests.settings.stack_files import Complaints, Load, changed


def loaded(load: Load, **changes: object) -> Settings:
    return load(changed("dev", changes))[0]


TEAM = "team-a"
GROUPS = {"viewer": ["auditors"], "editor": ["team-a-mlflow-users"], "manager": ["data-platform"]}


def test_a_team_without_groups_is_managed_by_the_group_of_its_name(load: Load) -> None:
    assert loaded(load).team(TEAM).groups == {"viewer": (), "editor": (), "manager": ("team-a-mlflow-users",)}


def test_every_group_has_the_role_that_it_stands_under(load: Load) -> None:
    found = loaded(load, **{"teams/team-a/groups": GROUPS}).team(TEAM).groups
    assert found == {role: tuple(members) for role, members in GROUPS.items()}


@pytest.mark.parametrize("groups", [GROUPS, None])
def test_in_an_archived_team_everybody_only_reads(load: Load, groups: object) -> None:
    working = loaded(load, **{"teams/team-a/groups": groups}).team(TEAM).groups
    archived = loaded(load, **{"teams/team-a/groups": groups, "teams/team-a/archived": True}).team(TEAM).groups
    assert sorted(archived["viewer"]) == sorted(group for members in working.values() for group in members)
    assert (archived["editor"], archived["manager"]) == ((), ())


def test_a_team_has_what_all_have_where_it_says_nothing_else(load: Load) -> None:
    settings = loaded(
        load,
        **{
            "workspaces": {"quota": {"memory": "32Gi", "pods": 20}, "limits": {"cpuRequest": "50m"}},
            "teams/team-a/quota": {"pods": 40},
            "teams/team-a/limits": {"memory": "4Gi"},
        },
    )
    one, other = settings.team("team-a").quota, settings.team("team-b").quota
    assert (one.memory, one.pods, one.cpu) == ("32Gi", 40, "16")
    assert (other.memory, other.pods, other.cpu) == ("32Gi", 20, "16")
    one, other = settings.team("team-a").limits, settings.team("team-b").limits
    assert (one.memory, one.cpu_request, one.cpu) == ("4Gi", "50m", "1")
    assert (other.memory, other.cpu_request, other.cpu) == ("2Gi", "50m", "1")


def test_what_is_wrong_for_all_teams_is_said_once(complaints: Complaints) -> None:
    document = changed("dev", {"workspaces": {"quota": {"cpu": "500m"}}, "teams/team-a/quota": {"memory": "8Gi"}})
    (line,) = complaints(document)
    assert line.startswith("  - workspaces.quota.cpu: ")


def test_a_wrong_value_is_not_compared(complaints: Complaints) -> None:
    (line,) = complaints(changed("dev", {"teams/team-a/quota": {"cpu": "lots", "memory": "8Gi"}}))
    assert line.startswith("  - teams.team-a.quota.cpu: expected an amount of CPU")


def test_a_wrong_value_of_a_team_is_not_taken_from_all_teams() -> None:
    document = changed("dev", {"teams/team-a/quota": {"cpu": "lots", "memory": "8Gi"}})
    quota = partial(Settings, document).team("team-a").quota
    assert (quota.memory, quota.pods) == ("8Gi", 100)
    with pytest.raises(UnknownValueError):
        _ = quota.cpu


def test_what_is_wrong_for_all_teams_is_said_even_without_teams(complaints: Complaints) -> None:
    lines = complaints(changed("dev", {"workspaces": {"limits": {"memory": "128Gi"}}, "teams": {}}))
    assert [line.split(":")[0] for line in lines] == ["  - teams", "  - workspaces.limits.memory"]


def test_a_team_may_make_room_for_its_own_larger_default(complaints: Complaints) -> None:
    changes = {"teams/team-a/limits": {"memory": "128Gi"}, "teams/team-a/quota": {"memory": "256Gi"}}
    assert complaints(changed("dev", changes)) == []
