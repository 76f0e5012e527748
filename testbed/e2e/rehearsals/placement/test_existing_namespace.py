"""A team in an existing namespace: objects of others in it stay, and the platform's are removed with the team.

Each test begins where the one before it ended. At the end, the committed stack is deployed again.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from testbed.e2e import kube, variant
from testbed.e2e.commands import CHECKOUT
from testbed.e2e.figures import Figures
from testbed.e2e.kube import Object
from testbed.e2e.mlflow_client import Client
from testbed.e2e.people import id_token
from testbed.e2e.web import Site
from tools.stack import Platform

pytestmark = pytest.mark.chapters

SPACE = "team-legacy"
CONFIG = "of-somebody-else"
OWNER, LATER = {"owner": "somebody"}, {"reviewed": "yes"}
ENFORCE = "pod-security.kubernetes.io/enforce"
DESCRIPTION = "mlflow.kubeflow.org/workspace-description"
MANAGER, GROUP = "alice@example.com", "team-a-mlflow-users"
WORKSPACES = "/api/3.0/mlflow/workspaces"
# Kinds that the platform creates in a team's namespace. Kubernetes itself has a ConfigMap and a ServiceAccount there.
KINDS = "configmaps,limitranges,networkpolicies,resourcequotas,rolebindings,roles,secrets,serviceaccounts"


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    folder: Path
    platform: Platform
    before: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    uid: str = ""

    def changes(self, **team: object) -> dict[str, object]:
        """Settings of the stack, with the team if it has settings."""
        file = CHECKOUT / "Pulumi.dev.yaml"
        teams = yaml.safe_load(file.read_text(encoding="utf-8"))["config"]["mlflow-platform:teams"]
        own = {SPACE: {"groups": {"manager": [GROUP]}, "createNamespace": False, **team}} if team else {}
        return {"mlflow-platform:teams": {**teams, **own}}

    def deploy(self, **team: object) -> None:
        """Deploy the stack, with the team if it has settings."""
        self.platform = variant.deploy(self.folder, self.changes(**team))

    def workspaces(self) -> list[str]:
        """Workspaces that the manager sees."""
        site = Site.of(self.platform)
        token = id_token(site, self.platform, MANAGER)
        return [one["name"] for one in site.ask("GET", WORKSPACES, token=token).json()["workspaces"]]


def _namespace() -> Object:
    return json.loads(kube.kubectl("get", "namespace", SPACE, "--output=json").stdout)["metadata"]


def _content() -> dict[str, list[str]]:
    """Names of the objects in the namespace, by kind."""
    found: dict[str, list[str]] = {}
    for one in kube.objects(KINDS, f"--namespace={SPACE}"):
        found.setdefault(one["kind"], []).append(one["metadata"]["name"])
    return {kind: sorted(names) for kind, names in sorted(found.items())}


def _config_map() -> Object:
    return kube.one("configmap", CONFIG, SPACE)


@pytest.fixture(scope="module")
def story(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    try:
        kube.kubectl("create", "namespace", SPACE)
        kube.kubectl("label", "namespace", SPACE, *(f"{key}={value}" for key, value in OWNER.items()))
        kube.kubectl("create", "configmap", CONFIG, f"--namespace={SPACE}", "--from-literal=key=value")
        yield Story(folder=tmp_path_factory.mktemp("existing-namespace"), platform=platform)
    finally:
        kube.kubectl("label", "namespace", SPACE, f"{ENFORCE}-", expected=None)
        variant.restore()
        kube.kubectl("delete", "namespace", SPACE, "--ignore-not-found", "--wait=true", seconds=120)


def test_the_existing_namespace_becomes_a_workspace_and_keeps_what_is_in_it(story: Story, figures: Figures) -> None:
    metadata, config = _namespace(), _config_map()
    story.uid, story.before = metadata["uid"], _content()
    start = time.monotonic()
    story.deploy(description="Legacy models")
    figures.add("a team in an existing namespace: `up`", time.monotonic() - start)
    now = _namespace()
    assert now["uid"] == story.uid
    assert {**metadata["labels"], "mlflow-enabled": "true", ENFORCE: "restricted"}.items() <= now["labels"].items()
    assert now["annotations"][DESCRIPTION] == "Legacy models"
    assert _config_map() == config
    assert SPACE in story.workspaces()


def test_a_program_of_the_team_logs_and_reads_back(story: Story) -> None:
    project = Client.of(story.platform, story.folder).script("small_project", team=SPACE)
    assert project["came_back"] == project["sent"]


def test_a_second_deployment_changes_nothing(story: Story) -> None:
    variant.expect_no_changes(story.folder, story.changes(description="Legacy models"))


def test_a_change_of_the_platforms_part_leaves_labels_that_others_have_set_since(story: Story) -> None:
    kube.kubectl("label", "namespace", SPACE, *(f"{key}={value}" for key, value in LATER.items()))
    story.deploy(description="Other models", namespaceLabels={"cost-center": "4711"})
    now = _namespace()
    assert {**OWNER, **LATER, "cost-center": "4711"}.items() <= now["labels"].items()
    assert now["annotations"][DESCRIPTION] == "Other models"


def test_removing_the_team_gives_back_the_labels_and_keeps_namespace_and_content(story: Story) -> None:
    story.deploy()
    now = _namespace()
    assert now["uid"] == story.uid
    assert now["labels"] == {**OWNER, **LATER, "kubernetes.io/metadata.name": SPACE}
    assert DESCRIPTION not in now.get("annotations", {})
    assert _content() == story.before
    assert _config_map()["data"] == {"key": "value"}
    assert SPACE not in story.workspaces()


def test_a_label_of_somebody_else_is_not_overwritten(story: Story) -> None:
    kube.kubectl("label", "namespace", SPACE, f"{ENFORCE}=baseline")
    said = variant.refused(story.folder, story.changes(description="Legacy models"))
    assert "conflict" in said.lower()
    assert _namespace()["labels"][ENFORCE] == "baseline"
