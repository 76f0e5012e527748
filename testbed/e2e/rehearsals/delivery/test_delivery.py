"""Delivery: only the approved plan is deployed, and changes by hand are reported with field and field manager.

Each test begins where the one before it ended. GitHub is the stand-in of the unit tests; the engine and the cluster are
real, and the stack is `dev`, deployed from a copy of the program.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.e2e import kube, variant
from testbed.e2e.clone import Clone
from testbed.e2e.commands import Finished, run
from testbed.e2e.figures import Figures
from testbed.evidence.notes import note
from tests.tools.github import GitHub, serving
from tools.plan.report import MARKER

pytestmark = pytest.mark.chapters

TOKEN = "the-workflow's-own-token"  # noqa: S105 - opens nothing but the stand-in
HEAD = "d" * 40
SECONDS = 420
TEAM, GROUP, OTHER = "team-b", "team-b-interns", "team-b-strangers"
DESCRIPTION = "      description: Demand forecasting\n"
VIEWERS = f"{DESCRIPTION}      groups:\n        manager: [{TEAM}-mlflow-users]\n        viewer: [{GROUP}]\n"
TEAMS = "mlflow-platform:teams"
BINDING = "mlflow-viewer"
HAND = "kubectl-patch"


@dataclass(frozen=True, slots=True)
class Story:
    """The repository with the change, and GitHub with its pull request."""

    clone: Clone
    github: GitHub
    commit: str

    def run(self, *command: str, expected: int, **env: str) -> Finished:
        """Run a script of the copy on the deployed stack, as the workflow does."""
        given = {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": f"{self.github.url}/graphql",
            "GITHUB_REPOSITORY": "example/platform",
            "GITHUB_TOKEN": TOKEN,
        }
        # The state of the deployed stack and not one of the copy's own.
        state = {"PULUMI_BACKEND_URL": os.environ["PULUMI_BACKEND_URL"]}
        return run(*command, cwd=self.clone.folder, env={**state, **given, **env}, seconds=SECONDS, expected=expected)

    def deploy(self, *, expected: int) -> Finished:
        """Deploy what was merged."""
        return self.run("tools/deploy", "dev", expected=expected, COMMIT=self.commit)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A pull request that lets a group read a team's workspace, with its plan in a comment, merged and not reviewed."""
    clone = Clone.make(tmp_path_factory.mktemp("delivery"), {})
    file = clone.folder / "Pulumi.dev.yaml"
    # The state has the salt of this machine's passphrase.
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("encryptionsalt:")), encoding="utf-8")
    clone.commit()
    clone.change(file.name, DESCRIPTION, VIEWERS)
    clone.commit()
    note({TEAMS: yaml.safe_load(file.read_text(encoding="utf-8"))["config"][TEAMS]})
    commit = run("git", "rev-parse", "HEAD", cwd=clone.folder).stdout.strip()
    with serving(TOKEN) as github:
        story = Story(clone, github, commit)
        # 1: somebody has to approve it.
        story.run("tools/preview-pull-request", "dev", expected=1, BASE="HEAD^1", PULL_REQUEST="7")
        github.merge(commit, HEAD)
        yield story
    variant.restore()


def viewers() -> list[str]:
    """Groups that may read the team's workspace."""
    found = kube.objects("rolebindings", f"--namespace={TEAM}", f"--field-selector=metadata.name={BINDING}")
    return [subject["name"] for one in found for subject in one["subjects"]]


def test_a_plan_that_nobody_has_approved_is_not_applied(story: Story) -> None:
    assert [comment["body"].startswith(MARKER) for comment in story.github.comments] == [True]
    done = story.deploy(expected=4)
    assert f"access is gained by group {GROUP}; nobody has approved it" in done.stderr
    assert viewers() == []


def test_a_plan_that_was_changed_after_the_approval_is_not_applied(story: Story) -> None:
    story.github.review("alice", HEAD)
    story.clone.change("Pulumi.dev.yaml", GROUP, OTHER)
    done = story.deploy(expected=3)
    assert "  other: access" in done.stderr
    assert OTHER in done.stderr
    assert viewers() == []
    story.clone.change("Pulumi.dev.yaml", OTHER, GROUP)


def test_the_approved_plan_is_applied_and_the_log_names_the_approval(story: Story, figures: Figures) -> None:
    """Relies on the fingerprint: another run of the engine gives the same plan the same one."""
    done = story.deploy(expected=0)
    figures.add("tools/deploy with a small change", done.seconds)
    assert viewers() == [GROUP]
    (sentence,) = [line for line in done.stdout.splitlines() if line.startswith("dev: plan sha256:")]
    assert "approved by alice; pull request #7 (" in sentence
    (newest, *_) = json.loads(story.run("pulumi", "stack", "history", "--stack=dev", "--json", expected=0).stdout)
    assert newest["message"] == sentence


def test_the_deployed_stack_has_no_drift(story: Story, figures: Figures) -> None:
    done = story.run("tools/drift", "dev", expected=0)
    figures.add("tools/drift without drift", done.seconds)


def patch(kind: str, name: str, *operations: Sequence[str | object], namespace: str = "") -> None:
    """Change an object by hand: an operation, a path and a value each."""
    changes = [{"op": op, "path": path, "value": value} for op, path, value in operations]
    where = [f"--namespace={namespace}"] if namespace else []
    kube.kubectl("patch", kind, name, *where, "--type=json", f"--patch={json.dumps(changes)}")


def closed_policy() -> str:
    """Name of the team's NetworkPolicy that lists the allowed egress of its pods."""
    found = kube.objects("networkpolicies", f"--namespace={TEAM}")
    return next(one["metadata"]["name"] for one in found if one["spec"].get("egress"))


def test_drift_made_by_hand_in_five_kinds_of_objects_is_named_with_field_and_manager(
    story: Story, figures: Figures
) -> None:
    policy = closed_policy()
    stranger = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": OTHER}
    nowhere = {"to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}]}
    patch("rolebinding", BINDING, ("add", "/subjects/-", stranger), namespace=TEAM)
    patch("resourcequota", "team-quota", ("replace", "/spec/hard/pods", "7"), namespace=TEAM)
    patch("networkpolicy", policy, ("add", "/spec/egress/-", nowhere), namespace=TEAM)
    patch("configmap", "mlflow-client", ("replace", "/data/MLFLOW_WORKSPACE", "team-a"), namespace=TEAM)
    patch("namespace", TEAM, ("add", "/metadata/labels/by-hand", "yes"))
    done = story.run("tools/drift", "dev", expected=1, JSON="1")
    figures.add("tools/drift with five differences", done.seconds)
    found: list[dict[str, Any]] = json.loads(done.stdout)["differences"]
    named = {(one["object"], one["field"].partition("[")[0]): one for one in found}
    assert set(named) == {
        (f"RoleBinding {TEAM}/{BINDING}", "subjects"),
        (f"ResourceQuota {TEAM}/team-quota", "spec.hard.pods"),
        (f"NetworkPolicy {TEAM}/{policy}", "spec.egress"),
        (f"ConfigMap {TEAM}/mlflow-client", "data.MLFLOW_WORKSPACE"),
        (f"Namespace {TEAM}", "metadata.labels.by-hand"),
    }
    assert {manager["name"] for one in found for manager in one["by"]} == {HAND}
    changed = named[f"ConfigMap {TEAM}/mlflow-client", "data.MLFLOW_WORKSPACE"]
    assert (changed["stack"], changed["cluster"]) == (TEAM, "team-a")


def test_the_issue_about_it_is_closed_once_an_up_has_mended_it(story: Story) -> None:
    story.run("tools/drift", "dev", expected=1, ISSUE="yes")
    assert [issue["state"] for issue in story.github.issues] == ["open"]
    policy = closed_policy()
    # The fields of these are written as a whole; of an object that is made anew they are Pulumi's again.
    kube.kubectl("delete", "rolebinding", BINDING, f"--namespace={TEAM}")
    kube.kubectl("delete", "networkpolicy", policy, f"--namespace={TEAM}")
    kube.kubectl("delete", "resourcequota", "team-quota", f"--namespace={TEAM}")
    kube.kubectl("label", "namespace", TEAM, "by-hand-")
    done = story.run("tools/drift", "dev", expected=1)
    assert f"RoleBinding {TEAM}/{BINDING} is gone" in done.stdout
    assert "with REFRESH=yes creates it again" in done.stdout
    command = ("pulumi", "up", "--stack=dev", "--refresh", "--yes", "--skip-preview", "--suppress-outputs")
    story.run(*command, "--non-interactive", expected=0)
    story.run("tools/drift", "dev", expected=0, ISSUE="yes")
    assert [issue["state"] for issue in story.github.issues] == ["closed"]


def test_nothing_of_a_deployment_stays_on_the_machine(story: Story) -> None:
    """The plan file contains values of the stack, so it must be deleted."""
    folder = Path(story.clone.folder.parent / "tmp")
    folder.mkdir()
    story.run("tools/deploy", "dev", expected=3, COMMIT=story.commit, TMPDIR=str(folder))
    assert list(folder.iterdir()) == []
