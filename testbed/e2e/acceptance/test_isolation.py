"""Concurrent requests of two teams never get each other's permissions, not even after large uploads.

A server that keeps the workspace of a request in the connection's context judges the next request on that connection
by it: seen with the authorisation plugin 2.1.0 after uploads that fill the server's receive buffer.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from testbed.e2e import kube
from testbed.e2e.figures import Figures
from testbed.e2e.web import Site
from tools.stack import Platform

ROUNDS = 4
UPLOADS = 4
INTRUSIONS = 8
UPLOAD_BYTES = 16 * 1024 * 1024
EVERYTHING = {"max_results": 10}
CREATE = "/api/2.0/mlflow/experiments/create"
SEARCH = "/api/2.0/mlflow/experiments/search"
WORKSPACES = "/api/3.0/mlflow/workspaces"
# What team A's token gets in team B's workspace; team B's own token goes on working.
REFUSED: dict[str, Any] = {"create": 403, "search": 403, "workspaces": ["team-a"], "own": 200}


@pytest.fixture(scope="module")
def tokens(platform: Platform) -> dict[str, str]:
    return {
        name: kube.token(team.namespace, team.service_account, "--audience=mlflow")
        for name, team in platform.teams.items()
    }


@pytest.fixture(scope="module")
def experiment(site: Site, tokens: dict[str, str]) -> str:
    document = {"name": f"upload-{time.time_ns()}"}
    made = site.ask("POST", CREATE, token=tokens["team-a"], workspace="team-a", document=document)
    return made.json()["experiment_id"]


def test_after_an_upload_no_other_workspace_is_open(site: Site, tokens: dict[str, str], experiment: str) -> None:
    """One client sends one request after the other, which would reuse connections between the login and the server."""
    for _ in range(ROUNDS):
        assert _upload(site, tokens, experiment, 0) == 200
        for _ in range(ROUNDS):
            assert _intrude(site, tokens) == REFUSED


def test_beside_uploads_no_other_workspace_is_open(
    site: Site, tokens: dict[str, str], experiment: str, figures: Figures
) -> None:
    start = time.monotonic()
    with ThreadPoolExecutor(UPLOADS + INTRUSIONS) as clients:
        for _ in range(ROUNDS):
            uploads = [clients.submit(_upload, site, tokens, experiment, number) for number in range(UPLOADS)]
            during = [clients.submit(_intrude, site, tokens) for _ in range(INTRUSIONS)]
            assert [upload.result() for upload in uploads] == [200] * UPLOADS
            after = [clients.submit(_intrude, site, tokens) for _ in range(INTRUSIONS)]
            assert [seen.result() for seen in (*during, *after)] == [REFUSED] * (2 * INTRUSIONS)
    count = ROUNDS * INTRUSIONS * 2
    figures.add(f"isolation: {count} intrusions beside {ROUNDS * UPLOADS} uploads of 16 MiB", time.monotonic() - start)


def _upload(site: Site, tokens: dict[str, str], experiment: str, number: int) -> int:
    path = f"/api/2.0/mlflow-artifacts/artifacts/workspaces/team-a/{experiment}/large/artifacts/{number}.bin"
    return site.ask("PUT", path, token=tokens["team-a"], workspace="team-a", content=bytes(UPLOAD_BYTES)).status


def _intrude(site: Site, tokens: dict[str, str]) -> dict[str, Any]:
    """Status codes of team A's token in team B's workspace, and of team B's own token."""
    team_a, team_b = tokens["team-a"], tokens["team-b"]
    intruder = {"name": f"intruder-{time.time_ns()}"}
    create = site.ask("POST", CREATE, token=team_a, workspace="team-b", document=intruder)
    found = site.ask("POST", SEARCH, token=team_a, workspace="team-b", document=EVERYTHING)
    listed = site.ask("GET", WORKSPACES, token=team_a).json()["workspaces"]
    own = site.ask("POST", SEARCH, token=team_b, workspace="team-b", document=EVERYTHING)
    return {
        "create": create.status,
        "search": found.status,
        "workspaces": [workspace["name"] for workspace in listed],
        "own": own.status,
    }
