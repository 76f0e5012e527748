"""Paths and locations of artifacts reach the workspace of the request only.

The server streams artifacts by the platform's own routes; tested here are the refusals of MLflow and of the
authorisation plugin.
"""

import time
import urllib.parse

import pytest

from testbed.e2e.run_folder import ARTIFACTS, WORKSPACE, Folder, new_folder
from testbed.e2e.web import Site
from tools.stack import Platform

FOREIGN = "team-b"


@pytest.fixture(scope="module")
def folder(platform: Platform, site: Site) -> Folder:
    return new_folder(platform, site)


OTHERS = (
    f"workspaces/{FOREIGN}/1/run/artifacts/x",
    f"workspaces/{WORKSPACE}/../{FOREIGN}/x",
    f"workspaces/{WORKSPACE}/%2e%2e/{FOREIGN}/x",
    f"workspaces/{WORKSPACE}/%252e%252e/{FOREIGN}/x",
    "../x",
    "%2e%2e/x",
    f"workspaces//{FOREIGN}/x",
)


@pytest.mark.parametrize("path", OTHERS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_path_of_an_artifact_leads_to_no_other_workspace(folder: Folder, method: str, path: str) -> None:
    content = b"x" if method == "PUT" else b""
    answer = folder.site.ask(method, f"{ARTIFACTS}/{path}", token=folder.token, workspace=WORKSPACE, content=content)
    assert answer.status in {400, 403, 404}, answer.body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_workspace_of_the_header_is_the_one_that_is_judged(folder: Folder, method: str) -> None:
    content = b"x" if method == "PUT" else b""
    for path in (f"{ARTIFACTS}/workspaces/{FOREIGN}/1/x", f"{folder.path}/x"):
        answer = folder.site.ask(method, path, token=folder.token, workspace=FOREIGN, content=content)
        assert answer.status == 403, answer.body


@pytest.mark.parametrize("scheme", ["s3", "s3-proxied"])
def test_a_location_that_names_another_workspace_is_not_fetched(folder: Folder, scheme: str) -> None:
    """The location is the source of a model version, which its creator chooses."""

    def ask(what: str, document: dict[str, str]) -> int:
        path = f"/api/2.0/mlflow/{what}/create"
        return folder.site.ask("POST", path, token=folder.token, workspace=WORKSPACE, document=document).status

    name = f"pointer-{time.time_ns()}"
    assert ask("registered-models", {"name": name}) == 200
    source = f"{scheme}://mlflow/workspaces/{FOREIGN}/1/run/artifacts"
    refused_at_once = ask("model-versions", {"name": name, "source": source}) != 200
    asked = f"/model-versions/get-artifact?{urllib.parse.urlencode({'name': name, 'version': '1', 'path': 'x'})}"
    answer = folder.site.ask("GET", asked, token=folder.token, workspace=WORKSPACE)
    assert answer.status == (404 if refused_at_once else 403), answer.body
