"""Life cycle of the platform: destroyed, deployed again on the same volumes, and killed during `up`.

Each test begins where the one before it ended; the last ones look at the platform that has come back. Data that was
logged before is there afterwards, so running these tests loses no data.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import inventory, kept_volumes, kube, leaks
from testbed.e2e.commands import run
from testbed.e2e.deployment import make_up, state, state_ids
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from testbed.paths import home
from tools.stack import read_platform

pytestmark = pytest.mark.chapters

DESTROY_SECONDS = 240
DOWN_SECONDS = 120
UP_SECONDS = 420
POINT_SECONDS = 180


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    remembered: dict[str, Any] = field(default_factory=dict[str, Any])
    volumes: list[str] = field(default_factory=list[str])
    outputs: list[Path] = field(default_factory=list[Path])
    processes: set[bytes] = field(default_factory=set[bytes])


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("life-cycle")


def test_up_goes_on_after_the_node_was_stopped_and_its_start_was_killed(
    story: Story, client: Client, folder: Path, figures: Figures
) -> None:
    """As after a power cut, all pods start again; `make up` waits for them before it uses the platform."""
    story.remembered = client.script("remember", team="team-a")
    run(".venv/bin/python", "-m", "testbed", "down", seconds=DOWN_SECONDS)
    with make_up(folder / "killed while the node starts.txt") as deployment:
        deployment.watch_until(lambda: "node: starting" in deployment.said(), seconds=POINT_SECONDS)
    output = folder / "after the node's start.txt"
    start = time.monotonic()
    with make_up(output) as deployment:
        deployment.finish(seconds=UP_SECONDS)
        story.outputs.append(output)
        story.processes |= deployment.seen
    figures.add("`make up` after the node was stopped", time.monotonic() - start)
    assert "smoke test: run" in deployment.said()
    _recall(story, client, folder)


def test_destroy_leaves_nothing_but_the_volumes_which_it_names(story: Story, client: Client, figures: Figures) -> None:
    story.remembered = client.script("remember", team="team-a")
    before = inventory.everything()
    ids = state_ids()
    ours = [item for item in before.values() if item.provider_id in ids]
    claimed = kube.objects("persistentvolumeclaims", f"--namespace={client.platform.namespace}")
    story.volumes = sorted(claim["spec"]["volumeName"] for claim in claimed)
    assert len(story.volumes) == 2

    done = run("tools/destroy", "dev", "", env={"YES": "dev"}, seconds=DESTROY_SECONDS)
    figures.add("destroy", done.seconds)
    after = inventory.everything()

    assert [item for item in after.values() if item.provider_id in ids] == []
    birth = min(item.created for item in ours)
    young = [item for item in after.values() if item.created >= birth and not item.owners & after.keys()]
    kept = {item.name for item in after.values() if item.kind == "PersistentVolume" and item.phase == "Released"}
    left = [str(item) for item in young if item.kind != "PersistentVolume"]
    assert left == []
    assert set(story.volumes) <= kept
    for volume in story.volumes:
        assert volume in done.stdout
    assert state().get("resources", []) == []


def test_the_documented_command_gives_a_kept_volume_to_the_next_platform(story: Story) -> None:
    kept_volumes.free(story.volumes)


def _there(kind: str, selector: str) -> Callable[[], bool]:
    """Check that is true if the platform's namespace has an object of the kind with the label.

    It is false while the cluster does not answer.
    """

    def look() -> bool:
        command = ("get", kind, "--namespace=mlflow", f"--selector={selector}", "--output=name", "--request-timeout=3s")
        found = kube.kubectl(*command, expected=None)
        return found.code == 0 and bool(found.stdout.strip())

    return look


# When it is killed: from the first objects to the last. Each `up` takes what the one before has left.
POINTS = {
    "the first objects": _there("networkpolicies", ""),
    "the database": _there("statefulsets", "app.kubernetes.io/name=postgres"),
    "the migration": _there("jobs", "app.kubernetes.io/name=migration"),
    "the server": _there("deployments", "app.kubernetes.io/name=mlflow"),
}


@pytest.mark.parametrize("point", POINTS)
def test_up_may_be_killed_at_any_point(story: Story, folder: Path, point: str) -> None:
    output = folder / f"killed at {point}.txt"
    with make_up(output) as deployment:
        deployment.watch_until(POINTS[point], seconds=POINT_SECONDS)
        deployment.kill()
        story.outputs.append(output)
        story.processes |= deployment.seen
    _tear()


def _tear() -> None:
    """Empty the attribute files beside the state's files, as a kill at the worst moment does.

    The file backend replaces the state itself atomically, but not these attribute files.
    """
    for sidecar in (home().pulumi_state / ".pulumi" / "stacks").rglob("*.attrs"):
        sidecar.write_bytes(b"")


def test_the_next_up_finishes_what_was_killed(story: Story, folder: Path, figures: Figures) -> None:
    output = folder / "finished.txt"
    start = time.monotonic()
    with make_up(output) as deployment:
        deployment.finish(seconds=UP_SECONDS)
        story.outputs.append(output)
        story.processes |= deployment.seen
    figures.add("`make up` that finishes what was killed", time.monotonic() - start)
    run("pulumi", "preview", "--non-interactive", "--expect-no-changes", seconds=UP_SECONDS)
    assert not state().get("pending_operations")


def test_no_kill_leaves_an_object_that_the_state_does_not_know() -> None:
    ids = state_ids()
    named = {item.provider_id: item for item in inventory.everything().values()}
    annotated = [
        (thing["kind"], f"{thing['metadata'].get('namespace', '')}/{thing['metadata']['name']}".lstrip("/"))
        for thing in kube.objects(
            "secrets,configmaps,networkpolicies,jobs,clusterroles,clusterrolebindings", "--all-namespaces"
        )
        if "pulumi.com/autonamed" in thing["metadata"].get("annotations", {})
    ]
    assert annotated, "names drawn by the engine carry its annotation"
    assert [str(named[found]) for found in annotated if found not in ids] == []


def test_the_platform_that_has_come_back_has_the_data_of_the_one_before(story: Story, folder: Path) -> None:
    _recall(story, Client.of(read_platform(), folder), folder)


def _recall(story: Story, client: Client, folder: Path) -> None:
    file = folder / "remembered.json"
    file.write_text(json.dumps(story.remembered), encoding="utf-8")
    assert client.script("recall", file, team="team-a") == {"faults": []}


def test_pod_security_denied_nothing_and_warned_of_nothing_during_the_whole_up() -> None:
    """The API server was restarted before the `up`, so its counters show only this `up`."""
    metrics = kube.kubectl("get", "--raw", "/metrics").stdout
    evaluations = [line for line in metrics.splitlines() if line.startswith("pod_security_evaluations_total{")]
    assert any('decision="allow"' in line and 'policy_level="restricted"' in line for line in evaluations)
    assert [line for line in evaluations if 'decision="deny"' in line] == []


def test_no_secret_is_in_state_logs_output_or_environment(story: Story) -> None:
    values = leaks.generated()
    assert len(values) >= 10
    everywhere = list(leaks.places(story.outputs, story.processes))
    assert leaks.search(values, everywhere) == []


def test_the_search_for_secrets_finds_them_where_they_are() -> None:
    values = leaks.generated()
    secrets = kube.kubectl("get", "secrets", "--all-namespaces", "--output=json").stdout.encode()
    exported = run("pulumi", "stack", "export", "--show-secrets").stdout.encode()
    found = leaks.search(values, [("the Secrets", secrets), ("the decrypted state", exported)])
    assert len(found) >= 10
