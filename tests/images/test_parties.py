"""Teams and callers to which uploads, downloads and answers are counted."""

import pytest
from mlflow_platform_server import scope, transfers
from mlflow_platform_server.appointments import team_of
from mlflow_platform_server.scope import Caller, RequestFacts, Scope
from mlflow_platform_server.shares import Party


def party(user: str | None, workspace: str | None) -> Party:
    caller = None if user is None else Caller(user=user)
    with scope.bind(Scope(name="1", workspace=workspace, caller=caller)):
        return transfers.party()


@pytest.mark.parametrize("user", [None, "alice", "bob"])
@pytest.mark.parametrize("workspace", [None, "team-a"])
def test_an_answer_counts_for_the_same_team_as_its_request(user: str | None, workspace: str | None) -> None:
    found = RequestFacts(id="1", workspace=workspace, caller=None if user is None else Caller(user=user))
    assert party(user, workspace) == Party(team=team_of(found), caller=user or "")


def test_callers_without_a_workspace_share_no_team() -> None:
    teams = [party(user, workspace).team for user in ("alice", "bob") for workspace in (None, "team-a")]
    assert len(set(teams)) == 3
    assert "" not in teams


def test_work_outside_of_requests_has_no_team() -> None:
    assert transfers.party() == Party(team="", caller="")
