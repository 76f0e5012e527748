"""Isolation of workspaces by the keys of objects."""

import pytest
from mlflow_platform_server import scope
from mlflow_platform_server.object_keys import VOLUME, Location, OutOfReachError, Reach, is_within, location_of
from mlflow_platform_server.scope import ScopeError

BUCKET = Reach(root=location_of("s3-proxied://mlflow"), multi_tenant=True)
PREFIXED = Reach(root=location_of("s3-proxied://mlflow/data/"), multi_tenant=True)
DISK = Reach(root=location_of("file:///mlflow/artifacts"), multi_tenant=True)


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


def reached(reach: Reach, location: Location) -> bool:
    with scope.background("request", "team-a"):
        try:
            reach.check(location)
        except OutOfReachError:
            return False
    return True


def file(path: str) -> Location:
    return Location(store=VOLUME, key=path)


def test_a_request_reaches_the_folder_of_its_workspace_in_the_servers_store() -> None:
    assert reached(BUCKET, location_of("s3://mlflow/workspaces/team-a/1/x"))
    assert reached(PREFIXED, location_of("s3-proxied://mlflow/data/workspaces/team-a/1/x"))
    assert reached(DISK, file("/mlflow/artifacts/workspaces/team-a/1/x"))
    assert reached(DISK, location_of("file:///mlflow/artifacts/workspaces/team-a/1/x%20y"))


@pytest.mark.parametrize(
    "uri",
    [
        "s3://elsewhere/workspaces/team-a/1/x",
        "s3://mlflow.elsewhere/workspaces/team-a/1/x",
        "s3://user@mlflow/workspaces/team-a/1/x",
        "s3://mlflow/workspaces/team-b/1/x",
        "s3://mlflow/workspaces/team-a/../team-b/1/x",
        "s3://mlflow/data/workspaces/team-a/1/x",
        "s3://mlflow",
        "s3://mlflow/workspaces",
        "file:///workspaces/team-a/1/x",
        "/workspaces/team-a/1/x",
    ],
)
def test_no_other_bucket_and_no_other_folder_is_in_reach(uri: str) -> None:
    assert not reached(BUCKET, location_of(uri))


@pytest.mark.parametrize(
    "uri",
    [
        "s3://mlflow/workspaces/team-a/1/x",
        "s3://mlflow/data-too/workspaces/team-a/1/x",
        "s3://mlflow/data/workspaces/team-b/1/x",
        "s3://mlflow/data/../data/workspaces/team-a/x",
    ],
)
def test_a_store_with_a_folder_of_its_own_is_reached_only_there(uri: str) -> None:
    assert not reached(PREFIXED, location_of(uri))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/mlflow/mlflow.db",
        "/mlflow/artifacts",
        "/mlflow/artifacts-2/workspaces/team-a/x",
        "/mlflow/artifacts/../x",
        "/mlflow/artifacts/workspaces/team-a/../team-b/x",
        "//mlflow/artifacts/workspaces/team-a/x",
    ],
)
def test_a_file_elsewhere_is_out_of_reach(path: str) -> None:
    assert not reached(DISK, file(path))


def test_a_bucket_is_never_taken_for_a_volume() -> None:
    assert not reached(DISK, location_of("s3://file/mlflow/artifacts/workspaces/team-a/x"))
    assert not reached(DISK, location_of("s3:///mlflow/artifacts/workspaces/team-a/x"))


@pytest.mark.parametrize("reach", [BUCKET, DISK, Reach(root=BUCKET.root, multi_tenant=False)])
def test_without_a_workspace_nothing_is_in_reach(reach: Reach) -> None:
    location = Location(store=reach.root.store, key=f"{reach.root.key}/workspaces/team-a/x".lstrip())
    with pytest.raises(ScopeError):
        reach.check(location)
    with scope.background("request"), pytest.raises(ScopeError):
        reach.check(location)


def test_without_workspaces_the_whole_store_is_in_reach_and_no_other() -> None:
    reach = Reach(root=location_of("s3-proxied://mlflow/data"), multi_tenant=False)
    assert reached(reach, location_of("s3-proxied://mlflow/data/1/run/x"))
    assert not reached(reach, location_of("s3-proxied://mlflow/1/run/x"))
    assert not reached(reach, location_of("s3-proxied://elsewhere/data/1/run/x"))
