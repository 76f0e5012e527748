"""Isolation of workspaces by the keys of objects."""

import pytest
from mlflow_platform_server.object_keys import is_within, key_of

STORE = "file:///mlflow/artifacts"


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


def test_a_file_of_a_store_on_a_volume_has_a_key() -> None:
    assert key_of("/mlflow/artifacts/workspaces/team-a/1/x", STORE) == "workspaces/team-a/1/x"


@pytest.mark.parametrize(
    "place",
    ["/etc/passwd", "/mlflow/mlflow.db", "/mlflow/artifacts", "/mlflow/artifacts-2/x", "/mlflow/artifacts/../x"],
)
def test_a_file_elsewhere_has_none(place: str) -> None:
    assert key_of(place, STORE) is None


@pytest.mark.parametrize("store", ["", "s3-proxied://mlflow", "file://"])
def test_in_a_store_of_another_kind_no_file_has_one(store: str) -> None:
    assert key_of("/mlflow/artifacts/workspaces/team-a/1/x", store) is None
