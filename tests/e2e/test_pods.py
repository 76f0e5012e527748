"""A team's pod that logs as the documentation says."""

from typing import Any

import yaml

from tests.e2e import kube
from tests.e2e.commands import CHECKOUT
from tests.e2e.web import Site
from tools.stack import Platform

PAGE = CHECKOUT / "docs" / "log-from-a-pod.md"
EXPERIMENT = "from-a-pod"


def documented_pod() -> dict[str, Any]:
    """The example of the page, as a reader copies it."""
    _, _, after = PAGE.read_text(encoding="utf-8").partition("```yaml\n")
    return yaml.safe_load(after.partition("```")[0])


def test_the_documented_pod_logs_a_run_in_its_teams_workspace(site: Site, platform: Platform) -> None:
    before = _runs(site, platform)
    kube.run_pod(documented_pod())
    new = [run for run in _runs(site, platform) if run not in before]
    assert len(new) == 1


def _runs(site: Site, platform: Platform) -> list[str]:
    """Ids of the runs in the example's experiment, as the team's own token finds them."""
    team = platform.teams["team-a"]
    token = kube.token(team.namespace, team.service_account, "--audience=mlflow")
    by_name = f"/api/2.0/mlflow/experiments/get-by-name?experiment_name={EXPERIMENT}"
    known = site.ask("GET", by_name, token=token, workspace="team-a")
    if known.status == 404:
        return []
    query = {"experiment_ids": [known.json()["experiment"]["experiment_id"]], "max_results": 1000}
    found = site.ask("POST", "/api/2.0/mlflow/runs/search", token=token, workspace="team-a", document=query).json()
    return [run["info"]["run_id"] for run in found.get("runs", ())]
