"""State of the process: stand-ins for the places where MLflow keeps the workspace, and the guard of the environment.

The guard is tested in a separate process, because an audit hook cannot be removed.
"""

import os
import subprocess
import sys
from contextvars import copy_context
from pathlib import Path
from types import ModuleType

import pytest
from mlflow_platform_server import process_state, scope
from mlflow_platform_server.process_state import BoundWorkspace, NeverSet
from mlflow_platform_server.scope import ScopeError

SERVER = Path(__file__).parents[2] / "images" / "mlflow" / "server"
PROGRAM = """
import os
from mlflow_platform_server import process_state, scope
os.environ["BEFORE"] = "1"
process_state.guard()
os.environ["OUTSIDE"] = "1"
with scope.background("start"):
    os.environ["START"] = "1"
with scope.bind(scope.Scope(name="a request", workspace="team-a", caller=scope.Caller(user="alice@example.com"))):
    try:
        {change}
    except scope.ScopeError as error:
        print(error)
print(sorted({{"BEFORE", "OUTSIDE", "START", "NEW"}} & set(os.environ)))
"""


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ('os.environ["NEW"] = "1"', "NEW"),
        ('os.environ.setdefault("NEW", "1")', "NEW"),
        ('os.putenv("NEW", "1")', "NEW"),
        ('del os.environ["BEFORE"]', "BEFORE"),
        ('os.environ.pop("BEFORE")', "BEFORE"),
    ],
)
def test_a_request_changes_nothing_in_the_environment_and_is_told_what_it_tried(change: str, name: str) -> None:
    program = PROGRAM.format(change=change)
    environment = {**os.environ, "PYTHONPATH": str(SERVER)}
    done = subprocess.run(  # noqa: S603 - the tests' own interpreter
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    refusal, left = done.stdout.splitlines()
    assert "a request" in refusal
    assert name in refusal
    assert left == "['BEFORE', 'OUTSIDE', 'START']"


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


def module(*names: str) -> ModuleType:
    """A module of MLflow with these names."""
    made = ModuleType("mlflow.utils.stand_in")
    for name in names:
        setattr(made, name, None)
    return made


def test_mlflow_looks_for_the_workspace_in_the_stand_ins_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_WORKSPACE", "team-b")
    context, utils = module("_WORKSPACE", "MLFLOW_WORKSPACE"), module("MLFLOW_WORKSPACE")
    process_state.bind(context, utils)
    assert isinstance(context.__dict__["_WORKSPACE"], BoundWorkspace)
    assert isinstance(context.__dict__["MLFLOW_WORKSPACE"], NeverSet)
    assert isinstance(utils.__dict__["MLFLOW_WORKSPACE"], NeverSet)
    assert "MLFLOW_WORKSPACE" not in os.environ


def test_a_release_of_mlflow_with_other_places_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="has no _WORKSPACE"):
        process_state.bind(module("MLFLOW_WORKSPACE"), module("MLFLOW_WORKSPACE"))
    with pytest.raises(RuntimeError, match="has no MLFLOW_WORKSPACE"):
        process_state.bind(module("_WORKSPACE", "MLFLOW_WORKSPACE"), module())
