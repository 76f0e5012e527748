"""A team's own access key of the in-cluster store: it is valid for the files of the team's workspace only."""

import base64
from typing import Any

import pytest

from testbed.e2e import kube, workload
from testbed.e2e.mlflow_client import Client
from tests import snippets
from tools.stack import Platform

# The second is SeaweedFS's answer to a key with `..` in it.
REFUSED = ("AccessDenied", "InvalidRequest")


@pytest.fixture(scope="module")
def done(platform: Platform, client: Client) -> dict[str, Any]:
    """Results of requests from a pod of team-a with the key: for its own files, and for files of a run of team-b."""
    left = client.script("training_curves", "direct access", team="team-b")
    part = snippets.documented_pods()[0]["spec"]
    (container,) = part["containers"]
    container["envFrom"] = snippets.direct_environment()
    image = workload.client_image(platform)
    return workload.run_workload("direct", part, left["experiment_id"], image=image)


def test_the_key_opens_the_workspaces_files_for_boto3_and_for_mlflow(done: dict[str, Any]) -> None:
    assert (done["by_boto3"], done["by_mlflow"]) == ("through the server", "through the server")
    assert done["through_server"] == "past the server"


def test_the_key_opens_no_other_workspace_and_not_the_bucket_itself(done: dict[str, Any]) -> None:
    assert {name: code for name, code in done["answers"].items() if code not in REFUSED} == {}


def test_only_the_team_that_asked_has_a_key(platform: Platform) -> None:
    assert platform.teams
    names = ["--namespace=team-b", "mlflow-artifacts", "--ignore-not-found", "--output=name"]
    assert kube.kubectl("get", "secret", *names).stdout == ""
    data = kube.one("secret", "mlflow-artifacts", "team-a")["data"]
    assert base64.b64decode(data["WORKSPACE_ARTIFACTS"]).decode() == "s3://mlflow/workspaces/team-a/"
