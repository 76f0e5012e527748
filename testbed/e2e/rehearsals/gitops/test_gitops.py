"""The platform from the files of `make render` instead of `make up`, on the volumes of the `dev` stack, and back again.

Each test begins where the one before it ended.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.e2e import kube, leaks
from testbed.e2e.commands import run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.from_files import RENDER_SECONDS, UP_SECONDS, FromFiles
from testbed.e2e.mlflow_client import Client

pytestmark = pytest.mark.chapters

READY_SECONDS = 420


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FromFiles]:
    story = FromFiles(tmp_path_factory.mktemp("rendered"), "full")
    yield story
    story.restore()


def test_the_dev_stack_is_destroyed_and_leaves_its_volumes(story: FromFiles, client: Client) -> None:
    story.take_down(client)


def test_its_files_need_no_cluster_and_kubectl_builds_both_overlays(story: FromFiles, figures: Figures) -> None:
    nowhere = {"KUBECONFIG": "/nonexistent"}
    done = run("make", "render", "STACK=dev", f"OUT={story.folder}", env=nowhere, seconds=RENDER_SECONDS)
    figures.add("`make render`", done.seconds)
    for overlay in ("dev", "full"):
        run("kubectl", "kustomize", f"{story.folder}/overlays/{overlay}", env=nowhere)


def test_the_platform_works_once_files_and_secrets_are_there_in_whichever_order(
    story: FromFiles, figures: Figures
) -> None:
    run("kubectl", "apply", story.kustomize)
    done = run("make", "render-secrets", "STACK=dev", seconds=RENDER_SECONDS)
    figures.add("`make render-secrets`", done.seconds)
    seconds = wait_for("every pod is ready", _all_ready, seconds=READY_SECONDS)
    figures.add("from the last Secret until every pod is ready", seconds)
    run(sys.executable, "-m", "tools.smoke", seconds=UP_SECONDS)


def test_it_has_the_data_of_the_platform_before(story: FromFiles, tmp_path: Path) -> None:
    story.recall(tmp_path)


def test_its_objects_are_those_of_up(story: FromFiles) -> None:
    assert story.other_objects() == []


def test_no_generated_secret_is_in_the_files(story: FromFiles) -> None:
    values = leaks.generated()
    assert len(values) >= 10
    written = [(str(file), file.read_bytes()) for file in story.folder.rglob("*") if file.is_file()]
    assert leaks.search(values, written) == []


def test_doing_it_again_changes_nothing(story: FromFiles) -> None:
    before = story.versions()
    run("make", "render", "STACK=dev", f"OUT={story.folder}", seconds=RENDER_SECONDS)
    run("make", "render-secrets", "STACK=dev", seconds=RENDER_SECONDS)
    run("kubectl", "apply", story.kustomize)
    assert story.versions() == before


def test_up_takes_over_again_once_the_objects_are_removed(story: FromFiles, tmp_path: Path) -> None:
    story.up_again(tmp_path)
    run("pulumi", "preview", "--non-interactive", "--expect-no-changes", seconds=UP_SECONDS)


def _all_ready() -> bool:
    pods = kube.objects("pods", "--namespace=mlflow")
    jobs = kube.objects("jobs", "--namespace=mlflow")
    # A Job's pod that came before the database has failed, and another one has followed.
    running = [pod for pod in pods if pod["status"].get("phase") not in ("Succeeded", "Failed")]
    done = [job for job in jobs if job["status"].get("succeeded")]
    return len(done) == len(jobs) > 0 and bool(running) and all(map(kube.is_ready, running))
