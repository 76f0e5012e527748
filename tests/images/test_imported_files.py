"""What reads of files answer whose location was copied from another MLflow server."""

import posixpath
import types
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from mlflow_platform_server import imported_files, scope
from mlflow_platform_server.imported_files import Explanations
from mlflow_platform_server.object_keys import VOLUME, Location, OutOfReachError, Reach, location_of

OLD = [
    "mlflow-artifacts:/7/abc/artifacts",
    "mlflow-artifacts://old.example.com/7/abc/artifacts",
    "https://old.example.com/api/2.0/mlflow-artifacts/artifacts/7/models/m-1/artifacts",
    "mlflow-artifacts:/custom",
]
OWN = "mlflow-artifacts:/workspaces/team-a/7/abc/artifacts"


class StoreError(Exception):
    """The store's error, as MLflow's has it."""

    def __init__(self, message: str, error_code: str = "RESOURCE_DOES_NOT_EXIST") -> None:
        super().__init__(message)
        self.error_code = error_code


class RefusedError(StoreError):
    """The answer of this platform."""


EXPLAIN = Explanations(error=StoreError, refuse=RefusedError)


class Store:
    """Files by their paths; answers as the platform's repositories do."""

    def __init__(self, *files: str) -> None:
        self.files = files

    def list_artifacts(self, path: str) -> list[Any]:
        """The files in a folder."""
        return EXPLAIN.listed([file for file in self.files if file.startswith(f"{path}/")], path, self.find)

    def find(self, path: str) -> str:
        """The file at a path."""
        with EXPLAIN.missing(path):
            if path not in self.files:
                text = f"There is no artifact {path}"
                raise StoreError(text)
        return path


def handlers(*, multi_tenant: bool = True) -> types.SimpleNamespace:
    """The functions of MLflow's handlers that are wrapped, as they are in MLflow 3.17.2."""

    def resolve(proxied_artifact_root: str, relative_path: str | None = None) -> str:
        path = urllib.parse.urlparse(proxied_artifact_root).path
        if not proxied_artifact_root.startswith("mlflow-artifacts"):
            assert imported_files.ANCHOR in path
            path = path.split(imported_files.ANCHOR)[1]
        return posixpath.join(path.lstrip("/"), relative_path) if relative_path else path.lstrip("/")

    def scoped(path: str | None) -> str | None:
        if not multi_tenant or (path or "").startswith("workspaces/"):
            return path
        return posixpath.join("workspaces/team-a", path) if path else "workspaces/team-a"

    def repository(uri: str) -> str:
        return f"repository of {uri}"

    made = types.SimpleNamespace(
        _get_proxied_run_artifact_destination_path=resolve,
        _get_workspace_scoped_repo_path_if_enabled=scoped,
        _get_trace_repo_from_uri=repository,
    )
    imported_files.install(made, RefusedError, multi_tenant=multi_tenant)
    return made


def path_of(location: str, below: str | None = None, *, multi_tenant: bool = True) -> str:
    """The path that the routes of runs, logged models and model versions read."""
    resolve = vars(handlers(multi_tenant=multi_tenant))["_get_proxied_run_artifact_destination_path"]
    return scoped_path(resolve(proxied_artifact_root=location, relative_path=below), multi_tenant=multi_tenant)


def scoped_path(path: str | None, *, multi_tenant: bool = True) -> str:
    """The path of the store that the routes for paths read, too."""
    return vars(handlers(multi_tenant=multi_tenant))["_get_workspace_scoped_repo_path_if_enabled"](path)


def trace_repository(location: str, *, multi_tenant: bool = True) -> str:
    """What the routes of traces read."""
    return vars(handlers(multi_tenant=multi_tenant))["_get_trace_repo_from_uri"](location)


@pytest.mark.parametrize("location", OLD)
@pytest.mark.parametrize("read", ["list_artifacts", "find"])
@pytest.mark.parametrize("below", [None, "model/MLmodel"])
def test_files_that_another_server_has_are_explained_and_not_just_missing(
    location: str, read: str, below: str | None
) -> None:
    path = path_of(location, below)
    asked = path.removeprefix("workspaces/team-a/")
    with pytest.raises(RefusedError, match=rf"mlflow-artifacts:/{asked} .* another MLflow server.*`make adopt`"):
        getattr(Store(f"{OWN}/x", f"workspaces/team-b/{asked}"), read)(path)


@pytest.mark.parametrize("location", OLD)
def test_what_programs_have_uploaded_to_such_a_path_is_served(location: str) -> None:
    file = path_of(location, "x.txt")
    store = Store(str(file))
    assert store.list_artifacts(path_of(location)) == [file]
    assert store.find(file) == file
    # A client lists before it downloads, to know a folder from a file.
    assert store.list_artifacts(file) == []


def test_an_empty_folder_and_a_store_that_is_down_are_not_explained() -> None:
    def fails_with(code: str) -> Callable[[str], str]:
        def find(_: str) -> str:
            text = "the store's own words"
            raise StoreError(text, code)

        return find

    path = path_of(OLD[0])
    assert EXPLAIN.listed([], path, fails_with("BAD_REQUEST")) == []
    with pytest.raises(StoreError, match="own words"):
        EXPLAIN.listed([], path, fails_with("TEMPORARILY_UNAVAILABLE"))


@pytest.mark.parametrize(("location", "multi_tenant"), [(OWN, True), (OLD[0], False), (OWN, False)])
def test_a_run_of_this_platform_without_files_has_an_empty_list(location: str, multi_tenant: bool) -> None:  # noqa: FBT001
    assert Store().list_artifacts(path_of(location, multi_tenant=multi_tenant)) == []
    with pytest.raises(StoreError, match="There is no artifact"):
        Store().find(path_of(location, "x", multi_tenant=multi_tenant))


def test_the_workspaces_folder_itself_is_no_imported_location() -> None:
    for path in (None, "", "/workspaces/team-a/1", "workspaces/team-a"):
        found = scoped_path(path)
        assert not isinstance(found, imported_files.Rewritten)


@pytest.mark.parametrize("multi_tenant", [True, False])
def test_an_address_that_is_no_servers_artifacts_is_refused_and_no_server_error(multi_tenant: bool) -> None:  # noqa: FBT001
    with pytest.raises(RefusedError, match=r"https://old\.example\.com/files .*make adopt"):
        path_of("https://old.example.com/files", multi_tenant=multi_tenant)


@pytest.mark.parametrize("location", OLD)
def test_a_trace_of_another_server_is_refused(location: str) -> None:
    with pytest.raises(RefusedError, match=r"make adopt"):
        trace_repository(location)
    assert trace_repository(location, multi_tenant=False)


@pytest.mark.parametrize("location", [OWN, "s3://mlflow/workspaces/team-a/1", "/mlflow/artifacts/workspaces/team-a/1"])
def test_other_locations_of_traces_are_left_to_their_repositories(location: str) -> None:
    assert trace_repository(location) == f"repository of {location}"


@pytest.mark.parametrize(
    ("root", "location", "named"),
    [
        ("s3-proxied://mlflow/data", location_of("s3://mlflow/data/7/abc"), "mlflow-artifacts:/7/abc"),
        ("s3-proxied://mlflow/data", location_of("s3://old/7/abc"), "s3://old/7/abc"),
        ("s3-proxied://mlflow/data", location_of("file:///home/alice/mlruns/7"), "file:///home/alice/mlruns/7"),
        ("file:///mlflow/artifacts", location_of("file:///home/alice/mlruns/7"), "file:///home/alice/mlruns/7"),
        ("file:///mlflow/artifacts", Location(store=VOLUME, key="/mlflow/artifacts/7/x"), "mlflow-artifacts:/7/x"),
    ],
)
def test_a_location_out_of_reach_is_named_and_explained(root: str, location: Location, named: str) -> None:
    reach = Reach(root=location_of(root), multi_tenant=True)
    with scope.background("request", "team-a"), pytest.raises(OutOfReachError) as refusal:
        reach.check(location)
    assert f"{named} is not in the folder" in str(refusal.value)
    assert "`make adopt`" in str(refusal.value)


def test_the_name_of_the_servers_bucket_is_not_told() -> None:
    reach = Reach(root=location_of("s3-proxied://the-bucket/data"), multi_tenant=True)
    with scope.background("request", "team-a"), pytest.raises(OutOfReachError) as refusal:
        reach.check(Location(store="the-bucket", key="data/../other"))
    assert "the-bucket" not in str(refusal.value)


def test_a_location_of_another_workspace_is_refused_as_such() -> None:
    reach = Reach(root=location_of("s3-proxied://mlflow"), multi_tenant=True)
    with scope.background("request", "team-a"), pytest.raises(OutOfReachError, match="outside of the workspace team-a"):
        reach.check(location_of("s3://mlflow/workspaces/team-b/1"))
