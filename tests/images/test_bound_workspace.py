"""Stand-ins for MLflow's places of the workspace."""

from contextvars import copy_context

import pytest
from mlflow_platform_server import scope
from mlflow_platform_server.bound_workspace import BoundWorkspace, NeverSet
from mlflow_platform_server.scope import ScopeError


def test_mlflow_can_turn_to_the_workspace_of_the_scope_and_back() -> None:
    workspace = BoundWorkspace()
    with scope.background("test", "team-a"):
        token = workspace.set("team-a")
        assert workspace.get() == "team-a"
        workspace.reset(token)
        assert workspace.get() is None


@pytest.mark.parametrize("bound", ["team-a", None])
def test_no_other_workspace_is_accepted(bound: str | None) -> None:
    workspace = BoundWorkspace()
    with scope.background("test", bound), pytest.raises(ScopeError, match="team-b"):
        workspace.set("team-b")


def test_without_a_scope_there_is_no_workspace() -> None:
    workspace = BoundWorkspace()
    workspace.set(None)
    with pytest.raises(ScopeError):
        workspace.set("team-a")


def test_what_another_scope_has_left_behind_is_not_seen() -> None:
    workspace = BoundWorkspace()

    def left_behind() -> None:
        with scope.background("first", "team-a"):
            workspace.set("team-a")
        assert workspace.get() is None
        with scope.background("second", "team-b"):
            assert workspace.get() is None

    copy_context().run(left_behind)


def test_the_environment_variable_stays_unset() -> None:
    variable = NeverSet()
    variable.set("team-b")
    assert (variable.get(), variable.get_raw(), variable.is_set(), variable.defined) == (None, None, False, False)
    variable.unset()
