"""Life of a team: added, archived, removed, added again beside fifty others. Nothing else changes, and no data is lost.

Each test begins where the one before it ended. At the end, the committed stack is deployed again.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.e2e import kube, variant
from testbed.e2e.commands import CHECKOUT, run, wait_for
from testbed.e2e.deployment import state
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from testbed.e2e.people import id_token
from testbed.e2e.web import Site
from tools.stack import Platform

pytestmark = pytest.mark.chapters

TEAM = "team-c"
# Alice is the newcomer's manager too: her token outlives the changes, and no user is added to the identity provider.
MANAGER = "alice@example.com"
GROUP = "team-a-mlflow-users"
TEAMS = 50
# MLflow is imported anew for it, beside the server.
PURGE_SECONDS = 120
# The server keeps an answer of Kubernetes for 30 s (`server.accessCacheSeconds`).
REVOCATION_SECONDS = 45
CREATE = "/api/2.0/mlflow/experiments/create"
SEARCH = "/api/2.0/mlflow/experiments/search"
WORKSPACES = "/api/3.0/mlflow/workspaces"


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    folder: Path
    platform: Platform
    remembered: dict[str, Any] = field(default_factory=dict[str, Any])
    before: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def site(self) -> Site:
        """The platform at its public address."""
        return Site.of(self.platform)

    def deploy(self, *, others: int = 0, **team: object) -> None:
        """Deploy the stack with some more teams, and with the new team unless its settings are None."""
        teams: dict[str, object] = {**_dev_teams(), **{f"crowd-{number:02}": {} for number in range(others)}}
        if team:
            teams[TEAM] = {"groups": {"manager": [GROUP]}, **team}
        changes = {"mlflow-platform:teams": teams, "mlflow-platform:access": {"aggregateRoles": True}}
        self.platform = variant.deploy(self.folder, changes)

    def manager(self) -> str:
        """A new ID token of the new team's manager."""
        return id_token(self.site, self.platform, MANAGER)

    def client(self) -> Client:
        """The published client with the token of the new team's programs."""
        return Client.of(self.platform, self.folder)


def _dev_teams() -> dict[str, object]:
    file = CHECKOUT / "Pulumi.dev.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))["config"]["mlflow-platform:teams"]


@pytest.fixture(scope="module")
def story(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with pytest.MonkeyPatch.context() as patch:
        # The file backend writes the whole state after each step: with fifty teams, gigabytes.
        patch.setenv("PULUMI_SKIP_CHECKPOINTS", "true")
        try:
            made = Story(folder=tmp_path_factory.mktemp("team-life"), platform=platform)
            # Role aggregation changes each team's list of identities; from here on only teams come and go.
            made.deploy()
            yield made
        finally:
            variant.restore()


def _last_changes() -> dict[str, int]:
    """Numbers of resources that the last update created, changed and deleted."""
    (update,) = json.loads(run("pulumi", "stack", "history", "--json", "--page-size=1").stdout)
    return {kind: count for kind, count in update["resourceChanges"].items() if kind != "same"}


def _workspaces(site: Site, token: str) -> list[str]:
    return [workspace["name"] for workspace in site.ask("GET", WORKSPACES, token=token).json()["workspaces"]]


def _change(story: Story, token: str) -> int:
    """Status of a request that changes a run of the new team."""
    tag = {"run_id": story.remembered["run_id"], "key": "seen", "value": str(time.time_ns())}
    return story.site.ask("POST", "/api/2.0/mlflow/runs/set-tag", token=token, workspace=TEAM, document=tag).status


def test_a_new_team_logs_and_its_manager_works(story: Story, figures: Figures) -> None:
    start = time.monotonic()
    story.deploy(quota={"pods": 2})
    figures.add("a third team: `up`", time.monotonic() - start)
    assert _last_changes().keys() == {"create"}
    story.remembered = story.client().script("remember", team=TEAM)
    assert _change(story, story.manager()) == 200
    assert TEAM in _workspaces(story.site, story.manager())


def _gated_pod(name: str) -> str:
    pod = kube.team_pod(name, TEAM, image="registry.k8s.io/pause:3.10.1", script="")
    pod["spec"]["schedulingGates"] = [{"name": "example.com/never"}]
    return json.dumps(pod)


def test_the_third_pod_of_a_team_with_two_is_refused() -> None:
    for name in ("first", "second"):
        kube.kubectl("create", "--filename=-", stdin=_gated_pod(name))
    said = kube.kubectl("create", "--filename=-", stdin=_gated_pod("third"), expected=1).stderr
    assert "exceeded quota: team-quota, requested: pods=1, used: pods=2, limited: pods=2" in said


def test_kubernetes_own_role_in_the_namespace_counts_where_the_stack_file_says_so(story: Story) -> None:
    account = story.platform.teams["team-b"]
    token = kube.token(account.namespace, account.service_account, "--audience=mlflow")
    assert _change(story, token) == 403
    subject = f"--serviceaccount={account.namespace}:{account.service_account}"
    kube.kubectl("create", "rolebinding", "lent", f"--namespace={TEAM}", "--clusterrole=edit", subject)
    wait_for("the lent right", lambda: _change(story, token) == 200, seconds=REVOCATION_SECONDS)
    kube.kubectl("delete", "rolebinding", "lent", f"--namespace={TEAM}")
    wait_for("the loss of the lent right", lambda: _change(story, token) == 403, seconds=REVOCATION_SECONDS)


def test_in_an_archived_team_everybody_reads_and_nobody_writes(story: Story, figures: Figures) -> None:
    token = story.manager()
    account = story.platform.teams[TEAM]
    program = kube.token(account.namespace, account.service_account, "--audience=mlflow")
    story.deploy(quota={"pods": 2}, archived=True)

    lag = wait_for("the loss of a right", lambda: _change(story, token) == 403, seconds=REVOCATION_SECONDS)
    figures.add("archived: right lost after `up` within", lag)
    document = {"name": f"too-late-{time.time_ns()}"}
    for one in (token, program):
        assert story.site.ask("POST", CREATE, token=one, workspace=TEAM, document=document).status == 403
    run_path = f"/api/2.0/mlflow/runs/get?run_id={story.remembered['run_id']}"
    assert story.site.ask("GET", run_path, token=token, workspace=TEAM).status == 200
    assert TEAM in _workspaces(story.site, token)
    assert story.site.ask("GET", run_path, token=program, workspace=TEAM).status == 403


def test_in_an_archived_team_no_pod_starts() -> None:
    said = kube.kubectl("create", "--filename=-", stdin=_gated_pod("late"), expected=1).stderr
    assert "exceeded quota: team-quota" in said
    assert "limited: pods=0" in said


def test_a_removed_team_is_gone_while_others_come(story: Story, figures: Figures) -> None:
    existing = len(_dev_teams())
    start = time.monotonic()
    story.deploy(others=TEAMS - existing)
    figures.add(f"{TEAMS - existing} more teams at once, one removed: `up`", time.monotonic() - start)
    assert len(story.platform.teams) == TEAMS
    assert kube.kubectl("get", "namespace", TEAM, expected=1).stderr.startswith("Error from server (NotFound)")

    token = story.manager()
    wait_for("the workspace to be gone", lambda: TEAM not in _workspaces(story.site, token), seconds=30)
    start = time.monotonic()
    assert _workspaces(story.site, token) == ["team-a"]
    figures.add(f"list of workspaces, one of {TEAMS} is one's own", time.monotonic() - start)
    story.before = _resources()


def test_one_more_team_beside_fifty_touches_its_own_resources_only(story: Story, figures: Figures) -> None:
    start = time.monotonic()
    story.deploy(others=TEAMS - len(_dev_teams()), quota={"pods": 2})
    figures.add(f"one more team beside {TEAMS}: `up`", time.monotonic() - start)

    after = _resources()
    new = after.keys() - story.before.keys()
    assert {urn: after[urn] for urn in story.before} == story.before
    assert {urn.rpartition("::")[2].removeprefix(TEAM)[:1] for urn in new} == {"", "-"}
    assert _last_changes() == {"create": len(new)}
    kinds = Counter(urn.split("::")[2].rpartition(":")[2] for urn in new)
    figures.add("resources of a team", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())), "")


def _resources() -> dict[str, Any]:
    """Every resource except the stack, whose outputs list the teams: identity, creation time and time of last change.

    Inputs are left out, because each export encrypts their secrets differently.
    """
    return {
        found["urn"]: [found.get(key) for key in ("id", "created", "modified")]
        for found in state()["resources"]
        if found["type"] != "pulumi:pulumi:Stack"
    }


def test_a_team_that_comes_back_finds_its_runs_models_and_artifacts(story: Story) -> None:
    file = story.folder / "remembered.json"
    file.write_text(json.dumps(story.remembered), encoding="utf-8")
    assert story.client().script("recall", file, team=TEAM) == {"faults": []}
    assert _change(story, story.manager()) == 200


def test_what_a_team_has_logged_is_deleted_only_when_it_is_archived_and_somebody_says_so(
    story: Story, figures: Figures
) -> None:
    refused = run("tools/purge", "dev", "", TEAM, env={"YES": TEAM}, expected=1)
    assert f"team {TEAM} is not archived" in refused.stderr
    story.deploy(archived=True)
    asked = run("tools/purge", "dev", "", TEAM, stdin="something else\n", expected=1)
    assert "nothing was deleted" in asked.stdout

    done = run("tools/purge", "dev", "", TEAM, env={"YES": TEAM}, seconds=PURGE_SECONDS)
    figures.add("purge of a small team", done.seconds)
    assert f"deleted all artifacts below workspaces/{TEAM}" in done.stdout
    token = story.manager()
    found = story.site.ask("POST", SEARCH, token=token, workspace=TEAM, document={"max_results": 10})
    assert (found.status, found.json().get("experiments", [])) == (200, [])
    models = story.site.ask("GET", "/api/2.0/mlflow/registered-models/search", token=token, workspace=TEAM)
    assert (models.status, models.json().get("registered_models", [])) == (200, [])


def test_a_purge_takes_nothing_from_another_team(story: Story) -> None:
    token = story.manager()
    found = story.site.ask("POST", SEARCH, token=token, workspace="team-a", document={"max_results": 10})
    assert found.json()["experiments"]
