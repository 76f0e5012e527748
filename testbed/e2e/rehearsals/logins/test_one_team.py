"""MLflow without workspaces, for one team, on two volumes: the smallest platform there is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import kube, variant, workload
from testbed.e2e.commands import run
from testbed.e2e.mlflow_client import Client
from testbed.e2e.visitor import Visitor
from testbed.e2e.web import Site
from tests import snippets
from tools.stack import Platform

CREATE = "/api/2.0/mlflow/experiments/create"
CHANGES: dict[str, Any] = {
    "mlflow-platform:workspaces": {"enabled": False},
    "mlflow-platform:database": {"kind": "sqlite"},
    "mlflow-platform:artifacts": {"kind": "volume"},
    "mlflow-platform:teams": {"team-a": {}},
    "mlflow-platform:login": {
        "kind": "development",
        "users": {"alice@example.com": {"groups": ["team-a-mlflow-users"]}, "carol@example.com": {}},
    },
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    yield variant.deploy(tmp_path_factory.mktemp("one-team"), CHANGES)
    variant.restore()


@pytest.fixture(scope="module")
def passwords(platform: Platform) -> dict[str, str]:
    assert platform.users
    return json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)


def test_a_client_that_names_no_workspace_logs_and_registers(platform: Platform, tmp_path: Path) -> None:
    assert platform.teams["team-a"].workspace is None
    found = Client.of(platform, tmp_path).script("small_project", team="team-a")
    assert found["came_back"] == found["sent"]
    assert found["champion"] == found["version"]


def test_a_pod_with_the_ready_made_environment_logs(platform: Platform) -> None:
    image = workload.client_image(platform)
    assert workload.run_workload("dag", snippets.operators_task(), "extract", image=image)["run_id"]


def test_rights_are_those_of_the_teams_namespace(platform: Platform) -> None:
    site = Site.of(platform)
    document = {"name": "of one team"}
    stranger = kube.token("default", "default", "--audience=mlflow")
    assert site.ask("POST", CREATE, token=stranger, document=document).status == 403
    ours = kube.token("team-a", "mlflow-client", "--audience=mlflow")
    assert site.ask("POST", CREATE, token=ours, document=document).status == 200


def test_a_member_sees_mlflow_and_a_stranger_is_told_whom_to_ask(platform: Platform, passwords: dict[str, str]) -> None:
    for person, status, told in (("alice@example.com", 200, False), ("carol@example.com", 403, True)):
        visitor = Visitor(platform.authority)
        visitor.sign_in(f"{platform.url}/", person, passwords[person])
        page = visitor.open(f"{platform.url}/", headers={"Accept": "text/html"})
        assert (page.status, "you are in no team yet" in page.text) == (status, told), person


def test_a_second_deployment_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    assert platform.url
    variant.expect_no_changes(tmp_path, CHANGES)
