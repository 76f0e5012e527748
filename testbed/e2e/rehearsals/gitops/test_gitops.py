"""The platform from the files of `make render` instead of `make up`, on the volumes of the `dev` stack, and back again.

Each test begins where the one before it ended.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.e2e import kept_volumes, kube, leaks, variant
from testbed.e2e.commands import run, wait_for
from testbed.e2e.deployment import state_ids
from testbed.e2e.figures import Figures
from testbed.e2e.kube import Object
from testbed.e2e.mlflow_client import Client
from testbed.e2e.same_objects import Key, comparable, differences
from tools.stack import read_platform

pytestmark = pytest.mark.chapters

DESTROY_SECONDS = 240
RENDER_SECONDS = 180
UP_SECONDS = 600
READY_SECONDS = 420
# They contain the certificate of the stack's own authority.
AUTHORITIES = frozenset({("mlflow", "login-authority"), ("team-a", "mlflow-ca"), ("team-b", "mlflow-ca")})


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    folder: Path
    remembered: dict[str, Any] = field(default_factory=dict[str, Any])
    before: dict[Key, Object] = field(default_factory=dict[Key, Object])
    destroyed: bool = False
    """True while the stack is not deployed by Pulumi."""

    @property
    def overlay(self) -> str:
        """Option of kubectl for the overlay that is applied."""
        return f"--kustomize={self.folder}/overlays/full"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    story = Story(tmp_path_factory.mktemp("rendered"))
    yield story
    # Only after a failure, which may have left anything.
    if story.destroyed:
        _remove(story)
        _free_volumes()
        variant.restore()


def test_the_dev_stack_is_destroyed_and_leaves_its_volumes(story: Story, client: Client) -> None:
    story.remembered = client.script("remember", team="team-a")
    story.before = comparable(_deployed(), _with_suffixes(AUTHORITIES))
    story.destroyed = True
    run("tools/destroy", "dev", "", env={"YES": "dev"}, seconds=DESTROY_SECONDS)
    _free_volumes()


def test_its_files_need_no_cluster_and_kubectl_builds_both_overlays(story: Story, figures: Figures) -> None:
    nowhere = {"KUBECONFIG": "/nonexistent"}
    done = run("make", "render", "STACK=dev", f"OUT={story.folder}", env=nowhere, seconds=RENDER_SECONDS)
    figures.add("`make render`", done.seconds)
    for overlay in ("dev", "full"):
        run("kubectl", "kustomize", f"{story.folder}/overlays/{overlay}", env=nowhere)


def test_the_platform_works_once_files_and_secrets_are_there_in_whichever_order(story: Story, figures: Figures) -> None:
    run("kubectl", "apply", story.overlay)
    done = run("make", "render-secrets", "STACK=dev", seconds=RENDER_SECONDS)
    figures.add("`make render-secrets`", done.seconds)
    seconds = wait_for("every pod is ready", _all_ready, seconds=READY_SECONDS)
    figures.add("from the last Secret until every pod is ready", seconds)
    run(sys.executable, "-m", "tools.smoke", seconds=UP_SECONDS)


def test_it_has_the_data_of_the_platform_before(story: Story, tmp_path: Path) -> None:
    _recall(story, tmp_path)


def test_its_objects_are_those_of_up(story: Story) -> None:
    after = comparable(_rendered(story), _with_suffixes(AUTHORITIES))
    assert len(after) > 60
    assert differences(story.before, after) == []


def test_no_generated_secret_is_in_the_files(story: Story) -> None:
    values = leaks.generated()
    assert len(values) >= 10
    written = [(str(file), file.read_bytes()) for file in story.folder.rglob("*") if file.is_file()]
    assert leaks.search(values, written) == []


def test_doing_it_again_changes_nothing(story: Story) -> None:
    before = _versions(story)
    run("make", "render", "STACK=dev", f"OUT={story.folder}", seconds=RENDER_SECONDS)
    run("make", "render-secrets", "STACK=dev", seconds=RENDER_SECONDS)
    run("kubectl", "apply", story.overlay)
    assert _versions(story) == before


def test_up_takes_over_again_once_the_objects_are_removed(story: Story, tmp_path: Path) -> None:
    _remove(story)
    _free_volumes()
    run("make", "up", seconds=UP_SECONDS)
    story.destroyed = False
    run("pulumi", "preview", "--non-interactive", "--expect-no-changes", seconds=UP_SECONDS)
    _recall(story, tmp_path)


def _remove(story: Story) -> None:
    run(sys.executable, "-m", "tools.volumes", "retain", "mlflow")
    if story.folder.joinpath("base").exists():
        kube.kubectl("delete", "--ignore-not-found", story.overlay, seconds=DESTROY_SECONDS)


def _free_volumes() -> None:
    kept_volumes.free(
        [
            one["metadata"]["name"]
            for one in kube.objects("persistentvolumes")
            if one["status"].get("phase") == "Released" and one["spec"]["claimRef"]["namespace"] == "mlflow"
        ]
    )


def _recall(story: Story, folder: Path) -> None:
    file = folder / "remembered.json"
    file.write_text(json.dumps(story.remembered), encoding="utf-8")
    assert Client.of(read_platform(), folder).script("recall", file, team="team-a") == {"faults": []}


def _all_ready() -> bool:
    pods = kube.objects("pods", "--namespace=mlflow")
    jobs = kube.objects("jobs", "--namespace=mlflow")
    # A Job's pod that came before the database has failed, and another one has followed.
    running = [pod for pod in pods if pod["status"].get("phase") not in ("Succeeded", "Failed")]
    done = [job for job in jobs if job["status"].get("succeeded")]
    return len(done) == len(jobs) > 0 and bool(running) and all(map(kube.is_ready, running))


def _deployed() -> list[Object]:
    """The objects that Pulumi's state knows."""
    ids = state_ids()
    kinds = ",".join(sorted({kind for kind, _ in ids}))
    return [one for one in kube.objects(kinds, "--all-namespaces") if (one["kind"], _id(one)) in ids]


def _rendered(story: Story) -> list[Object]:
    """The objects that the rendered files name."""
    names = [
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for one in yaml.safe_load_all(kube.kubectl("kustomize", f"{story.folder}/overlays/full").stdout)
    ]
    needed = yaml.safe_load((story.folder / "secrets.yaml").read_text(encoding="utf-8"))["objects"]
    names += [(one["kind"], one["namespace"], one["name"]) for one in needed]
    kinds = ",".join(sorted({kind for kind, _, _ in names}))
    there = {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one
        for one in kube.objects(kinds, "--all-namespaces")
    }
    return [there[name] for name in names]


def _versions(story: Story) -> dict[Key, str]:
    """Generation or version of each object: what changes with its content, and not with its status."""
    return {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): str(
            one["metadata"].get("generation", one.get("data"))
        )
        for one in _rendered(story)
    }


def _with_suffixes(names: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The names, and those that Pulumi has drawn for them."""
    live = {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in kube.objects("configmaps", "--all-namespaces")
    }
    return names | {(space, name) for space, name in live if (space, re.sub(r"-[0-9a-f]{8}$", "", name)) in names}


def _id(one: Object) -> str:
    metadata = one["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
