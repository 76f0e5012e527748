"""A platform whose profile protects data is taken down and comes back with the data.

Profile `small` on the embedded cluster. Profile `production` protects the same resources; the rehearsal `aws` takes a
`production` stack down. The artifacts are in a folder of the in-cluster store; the server's key is valid for that
folder only.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import inventory, kept_volumes, kube, variant
from testbed.e2e.commands import run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client

pytestmark = pytest.mark.chapters

TEAM, PREFIX = "team-a", "kept"
DESTROY_SECONDS = 240
# Runs in the server's pod with its own key: prints the keys that it reads, writes or lists outside of its folder.
OUTSIDE = """
import boto3, os
from botocore.exceptions import ClientError
s3 = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
calls = {
    "write": lambda key: s3.put_object(Bucket="mlflow", Key=key, Body=b"x"),
    "read": lambda key: s3.get_object(Bucket="mlflow", Key=key),
    "list": lambda key: s3.list_objects_v2(Bucket="mlflow", Prefix=key),
}
places = ("kept/x", "kept-not/x", "workspaces/team-a/x", "x")
allowed = []
for name, call in calls.items():
    for place in places:
        try:
            call(place)
            allowed.append(f"{name} {place}")
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code != "AccessDenied":
                raise
print("\\n".join(allowed))
"""


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    remembered: dict[str, Any] = field(default_factory=dict[str, Any])


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of the stack file; afterwards the committed stack is deployed."""
    yield tmp_path_factory.mktemp("protected")
    variant.restore()


def changes() -> variant.Config:
    """The dev stack with a profile that protects data, and the login that this profile allows."""
    return {
        **variant.changes_of("basic"),
        "mlflow-platform:profile": "small",
        "mlflow-platform:artifacts": {**variant.committed("artifacts"), "prefix": PREFIX},
        "mlflow-platform:workspaces": {"quota": {"cpu": "16", "memory": "64Gi"}},
    }


def _protected() -> list[str]:
    exported = json.loads(run("pulumi", "stack", "export", "--stack=dev").stdout)["deployment"]["resources"]
    return sorted(one["urn"].rpartition("::")[2] for one in exported if one.get("protect"))


def test_a_profile_that_protects_data_is_deployed_and_used(story: Story, folder: Path, figures: Figures) -> None:
    platform = variant.deploy(folder, changes())
    story.remembered = Client.of(platform, folder).script("remember", team=TEAM)
    assert _protected() == [
        *("mlflow-webhook-key", "mlflow-webhooks", "object-store-server", "platform-namespace", "postgres-server"),
        *("team-a-namespace", "team-b-namespace"),
    ]
    figures.add("protected resources of a small stack", len(_protected()))


def test_the_stores_key_ends_at_the_folder() -> None:
    command = ("exec", "deployment/mlflow", "--namespace=mlflow", "--container=mlflow", "--", "python3", "-c", OUTSIDE)
    assert kube.kubectl(*command).stdout.split("\n")[:-1] == ["write kept/x", "read kept/x", "list kept/x"]


def test_destroying_it_is_refused_before_anything_is_deleted() -> None:
    before = set(inventory.everything())
    done = run("tools/destroy", "dev", "", env={"YES": "dev"}, seconds=DESTROY_SECONDS, expected=None)
    assert done.code != 0
    assert "protect" in done.said
    assert before <= set(inventory.everything())


def test_the_documented_commands_take_it_down_and_keep_the_volumes(figures: Figures) -> None:
    claims = kube.objects("persistentvolumeclaims", "--namespace=mlflow")
    volumes = sorted(claim["spec"]["volumeName"] for claim in claims)
    assert len(volumes) == 2
    run("pulumi", "state", "unprotect", "--all", "--yes", "--stack=dev")
    done = run("tools/destroy", "dev", "", env={"YES": "dev"}, seconds=DESTROY_SECONDS)
    figures.add("destroy of a small stack", done.seconds)
    # The namespaces stay in the cluster, with what holds data in them.
    kept = {one["metadata"]["name"] for one in kube.objects("namespaces")}
    assert {"mlflow", "team-a", "team-b"} <= kept
    assert {one["metadata"]["name"] for one in kube.objects("statefulsets", "--namespace=mlflow")} == {
        "postgres",
        "object-store",
    }
    kube.kubectl("delete", "namespace", "mlflow", "team-a", "team-b", seconds=180)
    for volume in volumes:
        wait_for(
            f"{volume} to be released", lambda volume=volume: kept_volumes.phases()[volume] == "Released", seconds=60
        )
    kept_volumes.free(volumes)


def test_the_next_deployment_has_the_data(story: Story, folder: Path) -> None:
    platform = variant.deploy(folder, changes())
    file = folder / "remembered.json"
    file.write_text(json.dumps(story.remembered), encoding="utf-8")
    assert Client.of(platform, folder).script("recall", file, team=TEAM) == {"faults": []}
