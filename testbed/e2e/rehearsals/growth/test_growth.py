"""A volume that grows: `make grow` on the deployed `dev` stack, whose database keeps running and keeps its data.

Each test begins where the one before it ended. The stack file is that of a copy of the program; state, API server,
controllers, kubelet, kubectl and Pulumi are real. Only the resizer of a CSI driver is simulated (`resizer.py`).
Afterwards the claim stays larger than the stack file says, as no claim can shrink.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.e2e import kube, variant
from testbed.e2e.clone import Clone
from testbed.e2e.commands import Finished, run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from testbed.e2e.rehearsals.growth.resizer import Resizer, allow_expansion
from testbed.evidence.notes import note

pytestmark = pytest.mark.chapters

SECONDS = 420
NAMESPACE, NAME, CLAIM = "mlflow", "postgres", "data-postgres-0"
KEY = "mlflow-platform:database"
GROW = (".venv/bin/python", "-m", "tools.growth", "grow", "dev")
POLICY = "refuse-larger-databases"
POLICY_SECONDS = 60
ADOPTION_SECONDS = 60


@dataclass(slots=True)
class Story:
    """The copy of the program, and the state that one test leaves for the next."""

    clone: Clone
    resizer: Resizer
    before: str
    """Size of the volume in the committed stack file."""

    larger: str
    """Size in the copy's stack file; larger than the claim, which an earlier rehearsal may have enlarged."""

    pod: str
    remembered: dict[str, Any]

    def run(self, *command: str, expected: int) -> Finished:
        """Run a command in the folder of the copy, with the state of the deployed stack."""
        # The state of the deployed stack and not one of the copy's own.
        state = {"PULUMI_BACKEND_URL": os.environ["PULUMI_BACKEND_URL"]}
        return run(*command, cwd=self.clone.folder, env=state, seconds=SECONDS, expected=expected)


def stateful_set() -> kube.Object:
    """PostgreSQL's StatefulSet."""
    return kube.one("statefulset", NAME, NAMESPACE)


def template_size() -> str:
    """Size in the claim template of PostgreSQL's StatefulSet."""
    (template,) = stateful_set()["spec"]["volumeClaimTemplates"]
    return template["spec"]["resources"]["requests"]["storage"]


def pod() -> str:
    """Uid of PostgreSQL's pod."""
    return kube.pod_of(NAME, NAMESPACE)["metadata"]["uid"]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, client: Client) -> Iterator[Story]:
    """The database's volume, made to seem as small as its claim, and a stack file with a larger size."""
    clone = Clone.make(tmp_path_factory.mktemp("growth"), {})
    with ExitStack() as cleanup:
        resizer = cleanup.enter_context(Resizer(NAMESPACE, CLAIM))
        before = variant.committed("database")["storage"]
        larger = f"{int(resizer.requested.removesuffix('Gi')) + 1}Gi"
        note({KEY: variant.committed("database") | {"storage": larger}})
        _set_size(clone, larger)
        cleanup.callback(variant.restore)
        cleanup.callback(allow_expansion, allowed=False)
        yield Story(clone, resizer, before, larger, pod(), client.script("remember", team="team-a"))


def _set_size(clone: Clone, size: str) -> None:
    """Set `database.storage` in the copy's stack file."""
    file = clone.folder / "Pulumi.dev.yaml"
    stack = yaml.safe_load(file.read_text(encoding="utf-8"))
    # The state has the salt of this machine's passphrase.
    stack.pop("encryptionsalt", None)
    stack["config"][KEY]["storage"] = size
    file.write_text(yaml.safe_dump(stack), encoding="utf-8")


def test_a_preview_stops_and_names_the_command(story: Story) -> None:
    done = story.run("tools/preview", "dev", expected=1)
    assert (
        f"database.storage: {story.larger} is more than the {story.before} of StatefulSet mlflow/postgres" in done.said
    )
    assert "run `make grow STACK=dev` first" in done.said


def test_a_class_whose_volumes_cannot_grow_is_named_before_anything_is_changed(story: Story) -> None:
    done = story.run(*GROW, "--yes", "dev", expected=1)
    assert (
        "StorageClass standard of PersistentVolumeClaim mlflow/data-postgres-0 does not allow volumes to" in done.stderr
    )
    assert template_size() == story.before
    assert story.resizer.requested != story.larger


def test_a_stateful_set_that_is_refused_is_there_again_around_the_same_pod(story: Story) -> None:
    allow_expansion(allowed=True)
    expression = (
        f"object.metadata.name != '{NAME}' ||"
        f" object.spec.volumeClaimTemplates[0].spec.resources.requests.storage != '{story.larger}'"
    )
    rules = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["statefulsets"]}]
    kind = "ValidatingAdmissionPolicy"
    version = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": POLICY}}
    policy = {
        **version,
        "kind": kind,
        "spec": {"matchConstraints": {"resourceRules": rules}, "validations": [{"expression": expression}]},
    }
    binding = {**version, "kind": f"{kind}Binding", "spec": {"policyName": POLICY, "validationActions": ["Deny"]}}
    for one in (policy, binding):
        kube.kubectl("create", "--filename=-", stdin=json.dumps(one))
    try:
        wait_for("the policy to be in force", lambda: _is_refused(story), seconds=POLICY_SECONDS)
        done = story.run(*GROW, "--yes", "dev", expected=1)
    finally:
        kube.kubectl("delete", f"{kind.lower()}binding,{kind.lower()}", POLICY)
    wait_for("the policy to be gone", lambda: not _is_refused(story), seconds=POLICY_SECONDS)
    assert "was refused with the new size, and is there again with the old one" in done.stderr
    assert template_size() == story.before
    assert pod() == story.pod
    wait_for("the StatefulSet to adopt the pod", _is_adopted, seconds=ADOPTION_SECONDS)
    assert story.resizer.requested == story.larger


def _is_refused(story: Story) -> bool:
    """True if a dry run in another namespace is refused: the API server enforces a policy some time after creation."""
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": story.larger}}},
    }
    labels = {"matchLabels": {"a": "b"}}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    trial = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": NAME, "namespace": "default"},
        "spec": {"serviceName": NAME, "selector": labels, "template": template, "volumeClaimTemplates": [claim]},
    }
    done = kube.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(trial), expected=None)
    return done.code != 0 and POLICY in done.said


def _is_adopted() -> bool:
    """True if PostgreSQL's pod belongs to the StatefulSet that exists now."""
    owners = kube.pod_of(NAME, NAMESPACE)["metadata"].get("ownerReferences", ())
    return [one["uid"] for one in owners] == [stateful_set()["metadata"]["uid"]]


def test_the_volume_grows_around_the_running_pod_once_the_cause_is_gone(story: Story, figures: Figures) -> None:
    done = story.run(*GROW, "--yes", "dev", expected=0)
    figures.add("`make grow` after a refused StatefulSet", done.seconds)
    assert story.resizer.capacity == story.larger
    assert template_size() == story.larger
    assert pod() == story.pod
    wait_for("the StatefulSet to adopt the pod", _is_adopted, seconds=ADOPTION_SECONDS)


def test_what_was_logged_before_is_still_there(story: Story, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "remembered.json"
    file.write_text(json.dumps(story.remembered), encoding="utf-8")
    assert client.script("recall", file, team="team-a") == {"faults": []}


def test_pulumi_finds_nothing_to_change(story: Story) -> None:
    story.run("pulumi", "preview", "--stack=dev", "--non-interactive", "--expect-no-changes", expected=0)
    story.run("pulumi", "preview", "--stack=dev", "--non-interactive", "--expect-no-changes", "--refresh", expected=0)


def test_there_is_nothing_left_to_grow(story: Story) -> None:
    done = story.run(*GROW, expected=0)
    assert "volumes of stack dev have the sizes in its file" in done.stdout


def test_a_size_that_is_taken_back_is_refused_with_a_sentence(story: Story) -> None:
    _set_size(story.clone, story.before)
    done = story.run("tools/preview", "dev", expected=1)
    assert (
        f"database.storage: {story.before} is less than the {story.larger} of StatefulSet mlflow/postgres" in done.said
    )
    assert "a volume cannot shrink" in done.said
