"""A program outside the cluster, with the published client and the token of its team's service account."""

from typing import Any

import pytest

from testbed.e2e import kube
from testbed.e2e.figures import Figures
from testbed.e2e.mlflow_client import Client
from testbed.e2e.web import Site
from tools.stack import Platform

CREATE = "/api/2.0/mlflow/experiments/create"
SEARCH = "/api/2.0/mlflow/experiments/search"
EVERYTHING = {"max_results": 100}


@pytest.fixture(scope="module")
def project(client: Client) -> dict[str, Any]:
    return client.script("first_project", team="team-a")


@pytest.fixture(scope="module")
def team_a_token(platform: Platform) -> str:
    account = platform.teams["team-a"]
    return kube.token(account.namespace, account.service_account, "--audience=mlflow")


@pytest.fixture(scope="module")
def left_by_team_b(client: Client) -> str:
    """An experiment in team B's workspace."""
    made = client.script("training_curves", "demand-forecast", team="team-b")
    return made["experiment_id"]


def test_params_and_a_thousand_points_of_a_metric_come_back_as_they_were_sent(project: dict[str, Any]) -> None:
    assert project["params"] == {"learning_rate": "0.1", "depth": "6"}
    assert len(project["points"]) == 1000
    assert project["points"] == project["expected_points"]


def test_an_artifact_of_64_mib_comes_back_byte_for_byte(project: dict[str, Any], figures: Figures) -> None:
    assert project["digest_that_came_back"] == project["sent_digest"]
    for what, seconds in project["seconds"].items():
        figures.add(f"client: {what}", seconds)


def test_a_registered_model_is_served_by_its_alias(project: dict[str, Any]) -> None:
    assert project["champion_version"] == project["version"]
    assert project["predictions"] == [6, 8]


def test_a_team_creates_nothing_in_another_teams_workspace(site: Site, team_a_token: str) -> None:
    answer = site.ask("POST", CREATE, token=team_a_token, workspace="team-b", document={"name": "intruder"})
    assert answer.status == 403
    assert b"PERMISSION_DENIED" in answer.body


def test_a_team_finds_nothing_in_another_teams_workspace(site: Site, team_a_token: str, left_by_team_b: str) -> None:
    own = site.ask("POST", SEARCH, token=team_a_token, workspace="team-a", document=EVERYTHING)
    other = site.ask("POST", SEARCH, token=team_a_token, workspace="team-b", document=EVERYTHING)
    assert own.json()["experiments"], "the same search finds the team's own experiments"
    assert other.status == 403
    by_id = f"/api/2.0/mlflow/experiments/get?experiment_id={left_by_team_b}"
    assert site.ask("GET", by_id, token=team_a_token, workspace="team-b").status == 403


def test_a_team_does_not_read_another_teams_artifacts(
    site: Site, team_a_token: str, client: Client, project: dict[str, Any]
) -> None:
    """All files are in one bucket; their paths name the workspace and the run."""
    uri = str(project["artifact_uri"])
    path = f"/api/2.0/mlflow-artifacts/artifacts/{uri.removeprefix('mlflow-artifacts:/')}/weights.bin"
    account = client.platform.teams["team-b"]
    team_b_token = kube.token(account.namespace, account.service_account, "--audience=mlflow")
    through_own_workspace = site.ask("GET", path, token=team_b_token, workspace="team-b")
    through_the_other = site.ask("GET", path, token=team_b_token, workspace="team-a")
    without_the_prefix = site.ask("GET", path.replace("workspaces/team-a/", ""), token=team_b_token, workspace="team-b")
    assert "/workspaces/team-a/" in path
    assert site.ask("GET", path, token=team_a_token, workspace="team-a").status == 200
    assert through_own_workspace.status == 400
    assert through_the_other.status == 403
    assert without_the_prefix.status in {404, 500}


def test_a_programs_token_deletes_nothing(site: Site, team_a_token: str, project: dict[str, Any]) -> None:
    """Service accounts may create and read; only people may delete."""
    document = {"experiment_id": project["experiment_id"]}
    answer = site.ask(
        "POST", "/api/2.0/mlflow/experiments/delete", token=team_a_token, workspace="team-a", document=document
    )
    assert answer.status == 403


def test_every_workspace_but_the_own_is_invisible(site: Site, team_a_token: str) -> None:
    listed = site.ask("GET", "/api/3.0/mlflow/workspaces", token=team_a_token).json()
    assert [workspace["name"] for workspace in listed["workspaces"]] == ["team-a"]


def test_workspaces_are_made_by_the_platform_only(site: Site, team_a_token: str) -> None:
    answer = site.ask("POST", "/api/3.0/mlflow/workspaces", token=team_a_token, document={"name": "team-c"})
    assert answer.status == 404
