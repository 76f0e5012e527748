"""Argo CD deploys the files of `make render`, on the volumes of the `dev` stack, and `make up` takes over again.

Each test begins where the one before it ended. The page is docs/gitops.md.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from testbed.e2e import kube
from testbed.e2e.clone import Clone
from testbed.e2e.commands import CHECKOUT, run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.from_files import RENDER_SECONDS, UP_SECONDS, FromFiles
from testbed.e2e.kube import Object
from testbed.e2e.mlflow_client import Client
from testbed.e2e.rehearsals.argocd import installation
from testbed.e2e.rehearsals.argocd.application import Application
from testbed.e2e.rehearsals.argocd.deployments import Deployments
from testbed.e2e.same_objects import Key
from testbed.e2e.web import Site
from tools.render.objects import HOOK, WAVE
from tools.stack import read_platform

pytestmark = pytest.mark.chapters

PAGE = CHECKOUT / "docs" / "gitops.md"
SYNC_SECONDS = 420
COMPARE_SECONDS = 120
HEAL_SECONDS = 60
DELETE_SECONDS = 120
TEAM = "team-c"
# A team's own volume: nobody has used it yet.
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "models", "namespace": TEAM},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    repository: Deployments
    platform: FromFiles
    application: Application = field(default_factory=lambda: Application(name="mlflow-platform-dev-dev"))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("argocd") / "deployments"
    with installation.running():
        story = Story(Deployments.make(folder), FromFiles(folder / "mlflow", "dev"))
        yield story
        story.application.delete()
        kube.kubectl("delete", "namespace", TEAM, "--ignore-not-found", seconds=DELETE_SECONDS)
        story.platform.restore()


def test_the_dev_stack_is_destroyed_and_leaves_its_volumes(story: Story, client: Client) -> None:
    story.platform.take_down(client)


def test_the_full_overlay_of_prod_is_accepted_and_every_object_of_it_is_compared(story: Story) -> None:
    values = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    folder = story.repository.render("prod", "full", "production", values=values)
    commit = story.repository.push("Deploy prod")
    document = yaml.safe_load((folder / "applications" / "full.yaml").read_text(encoding="utf-8"))
    # There is no AWS here for its server.
    del document["spec"]["syncPolicy"]["automated"]
    application = Application.apply(document)
    application.wait_until_compared(seconds=COMPARE_SECONDS)
    status = application.status()
    assert status.get("conditions", []) == [], application.summary()
    assert (status["sync"]["status"], status["sync"]["revision"]) == ("OutOfSync", commit)
    assert application.resources().keys() == _compared(_files(folder))
    application.delete()


def test_argo_cd_deploys_what_is_in_git(story: Story, figures: Figures) -> None:
    folder = story.repository.render("dev", "dev", "mlflow")
    commit = story.repository.push("Deploy dev")
    run("make", "render-secrets", "STACK=dev", seconds=RENDER_SECONDS)
    kube.kubectl("apply", f"--filename={folder}/applications/dev.yaml")
    figures.add("the first synchronisation", story.application.wait_until_deployed(commit, seconds=SYNC_SECONDS))


def test_it_waited_for_each_wave_and_ran_the_jobs_between_their_waves(story: Story) -> None:
    files = _files(story.platform.folder)
    jobs = {one["metadata"]["name"]: _wave(one) for one in files if one["kind"] == "Job"}
    ran = {
        one["name"]: one["hookPhase"]
        for one in story.application.status()["operationState"]["syncResult"]["resources"]
        if one.get("hookType") == HOOK["argocd.argoproj.io/hook"]
    }
    assert ran == dict.fromkeys(jobs, "Succeeded")
    assert kube.objects("jobs", "--namespace=mlflow") == [], "a Job that has succeeded is removed"
    times: dict[int, list[str]] = {}
    for one in story.platform.objects():
        # `make render-secrets` has created the namespaces.
        if WAVE in one["metadata"].get("annotations", {}) and one["kind"] != "Namespace":
            times.setdefault(_wave(one), []).append(one["metadata"]["creationTimestamp"])
    for name, moment in _completions().items():
        times.setdefault(jobs[name], []).append(moment)
    assert len(times) == 8
    for (earlier, before), (later, after) in pairwise(sorted(times.items())):
        assert max(before) <= min(after), f"wave {later} began before wave {earlier} was there"


def test_the_platform_answers_and_has_its_data(story: Story, tmp_path: Path) -> None:
    run(sys.executable, "-m", "tools.smoke", seconds=UP_SECONDS)
    story.platform.recall(tmp_path)


def test_its_objects_are_those_of_up_but_for_the_finished_jobs(story: Story) -> None:
    assert story.platform.other_objects(without={"Job"}) == []


def test_every_object_is_equal_to_git_also_when_it_is_compared_again(story: Story) -> None:
    begun = story.application.operations()
    story.application.compare_again()
    found = story.application.resources()
    assert found.keys() == _compared(_files(story.platform.folder))
    assert {one["status"] for one in found.values()} == {"Synced"}
    assert story.application.status().get("conditions", []) == []
    assert story.application.operations() == begun


def test_a_change_by_hand_is_found_and_undone(story: Story, figures: Figures) -> None:
    before, found = story.platform.versions(), story.application.differences_found()
    kube.kubectl("delete", "networkpolicy", "default-deny", "--namespace=team-a")
    everything = {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    patch = f"--patch={json.dumps(everything)}"
    kube.kubectl("patch", "role", "mlflow-viewer", "--namespace=team-a", "--type=merge", patch)

    def healed() -> bool:
        policies = kube.objects("networkpolicies", "--namespace=team-a")
        role = kube.one("role", "mlflow-viewer", "team-a")
        return "default-deny" in {one["metadata"]["name"] for one in policies} and role["rules"] != everything["rules"]

    figures.add("until a change by hand is undone", wait_for("Argo CD undoes it", healed, seconds=HEAL_SECONDS))
    wait_for("it was found", lambda: story.application.differences_found() > found, seconds=HEAL_SECONDS)
    wait_for("it is equal again", lambda: _is_synced(story), seconds=HEAL_SECONDS)
    assert story.platform.versions() == before


def test_a_team_that_is_committed_comes_by_itself(story: Story, tmp_path: Path, figures: Figures) -> None:
    clone = Clone.make(tmp_path, {})
    clone.change("Pulumi.dev.yaml", "    team-b:\n", f"    {TEAM}:\n      description: Prices\n    team-b:\n")
    story.repository.render_copy(clone.folder, "dev", "dev", "mlflow")
    commit = story.repository.push("Add a team")
    figures.add("a new team, from the commit", story.application.wait_until_deployed(commit, seconds=SYNC_SECONDS))
    token = kube.token(TEAM, "mlflow-client", "--audience=mlflow")
    site = Site.of(read_platform())

    def served() -> bool:
        path = "/api/2.0/mlflow/experiments/search?max_results=1"
        return site.ask("GET", path, token=token, workspace=TEAM).status == 200

    wait_for("the team's program is served", served, seconds=HEAL_SECONDS)
    kube.kubectl("create", "--filename=-", stdin=json.dumps(CLAIM))


def test_what_git_no_longer_has_is_deleted_except_a_namespace_with_its_volumes(story: Story) -> None:
    story.repository.render("dev", "dev", "mlflow")
    commit = story.repository.push("Remove the team")
    story.application.wait_until_deployed(commit, seconds=SYNC_SECONDS)
    there = kube.objects("roles,rolebindings,networkpolicies,resourcequotas,limitranges", f"--namespace={TEAM}")
    assert there == []
    assert kube.one("persistentvolumeclaim", "models", TEAM)["metadata"].get("deletionTimestamp") is None
    begun = story.application.operations()
    story.application.compare_again()
    left = {key for key, one in story.application.resources().items() if one["status"] != "Synced"}
    assert left == {("Namespace", "", TEAM)}
    assert _is_synced(story)
    assert story.application.operations() == begun, "what is kept does not begin one synchronisation after the other"
    kube.kubectl("delete", "namespace", TEAM, "--wait=false")


def test_without_the_application_everything_stays_until_it_is_removed_and_up_takes_over_again(
    story: Story, tmp_path: Path
) -> None:
    before = story.platform.versions()
    kube.kubectl("delete", f"--filename={story.platform.folder}/applications/dev.yaml")
    assert story.platform.versions() == before
    story.platform.up_again(tmp_path)


def _is_synced(story: Story) -> bool:
    status = story.application.status()
    return (status["sync"]["status"], status["health"]["status"]) == ("Synced", "Healthy")


def _files(folder: Path) -> list[Object]:
    """The objects in the rendered files."""
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in folder.glob("base/*/*.yaml")]


def _compared(objects: list[Object]) -> set[Key]:
    """Kind, namespace and name of the objects that Argo CD compares: all but hooks."""
    return {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for one in objects
        if one["kind"] != "Job"
    }


def _wave(one: Object) -> int:
    return int(one["metadata"]["annotations"][WAVE])


def _completions() -> dict[str, str]:
    """When each Job of the platform has completed, by its name."""
    options = ("--namespace=mlflow", "--field-selector=involvedObject.kind=Job,reason=Completed")
    return {one["involvedObject"]["name"]: one["lastTimestamp"] for one in kube.objects("events", *options)}
