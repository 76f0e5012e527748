"""Which objects of the store belong to a workspace."""

import pytest
from mlflow_platform_server.keys import is_within


@pytest.mark.parametrize(
    "key", ["workspaces/team-a", "workspaces/team-a/", "workspaces/team-a/1/run/artifacts/a b.bin"]
)
def test_what_is_below_a_workspaces_folder_is_its_own(key: str) -> None:
    assert is_within(key, "team-a")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "workspaces",
        "workspaces/team-b/1/secret",
        "workspaces/team-a-too/1/secret",
        "workspaces/team-a/../team-b/1/secret",
        "workspaces/team-a/./x",
        "./workspaces/team-a/x",
        "/workspaces/team-a/x",
        "elsewhere/workspaces/team-a/x",
        "1/run/artifacts/x",
    ],
)
def test_nothing_else_is(key: str) -> None:
    assert not is_within(key, "team-a")
