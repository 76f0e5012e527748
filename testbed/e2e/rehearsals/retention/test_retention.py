"""Runs deleted long ago are removed with their files, old traces are archived or deleted, nothing else changes.

Each test begins where the one before it ended. Objects are made old by changes in the database.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import kube, variant
from testbed.e2e.commands import run
from testbed.e2e.people import id_token
from testbed.e2e.web import Site
from tools.client_environment import client_python
from tools.smoke import client_variables
from tools.stack import Platform

pytestmark = pytest.mark.chapters

SCRIPTS = Path(__file__).with_name("pods")
SCRIPT_SECONDS = 180
MANAGERS = {"team-a": "alice@example.com", "team-b": "bob@example.com"}
DELETE = "/api/2.0/mlflow/experiments/delete"
RUN_SECONDS = 240
DELETED_DAYS, ARCHIVE_DAYS, TRACE_DAYS = 30, 10, 90
NEVER = {"deletedDays": 0, "archiveDays": 0, "traceDays": 0}
# Runs in the server's container: prints the keys in the folders that are its arguments.
LIST = """
import json, os, sys, boto3
s3 = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
found = {}
for prefix in sys.argv[1:]:
    found[prefix] = [one["Key"] for one in s3.list_objects_v2(Bucket="mlflow", Prefix=prefix).get("Contents", [])]
print(json.dumps(found))
"""


def changes() -> variant.Config:
    """Settings: ages for all teams except team-b."""
    teams = variant.committed("teams")
    return {
        "mlflow-platform:retention": {
            "deletedDays": DELETED_DAYS,
            "archiveDays": ARCHIVE_DAYS,
            "traceDays": TRACE_DAYS,
        },
        "mlflow-platform:teams": {**teams, "team-b": {**teams["team-b"], "retention": NEVER}},
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """The deployed variant, and the IDs of what two teams have logged."""

    platform: Platform
    folder: Path
    ids: dict[str, dict[str, Any]]

    def seen(self, team: str) -> dict[str, Any]:
        """A team's own data, as its client sees them."""
        return _client(self.platform, self.folder, team, "look", json.dumps(self.ids[team]))

    def files(self, team: str) -> dict[str, int]:
        """Number of files in the store for each of a team's runs."""
        runs, experiments = self.ids[team]["runs"], self.ids[team]["experiments"]
        folders = {
            name: f"workspaces/{team}/{experiments['gone' if name == 'inside' else 'kept']}/{one}/"
            for name, one in runs.items()
        }
        space = f"--namespace={self.platform.namespace}"
        listing = ("exec", "deployment/mlflow", space, "--container=mlflow", "--", "python3", "-c", LIST)
        found = json.loads(kube.kubectl(*listing, *folders.values()).stdout.splitlines()[-1])
        return {name: len(found[folder]) for name, folder in folders.items()}


def _client(platform: Platform, folder: Path, team: str, script: str, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
    assert platform.authority is not None
    authority = folder / "ca.crt"
    authority.write_text(platform.authority, encoding="utf-8")
    variables = client_variables(platform, team, authority)
    command = (client_python(), SCRIPTS / f"{script}.py", *arguments)
    done = run(*command, seconds=SCRIPT_SECONDS, env=variables, inherit=False, cwd=folder)
    return json.loads(done.stdout.splitlines()[-1])


def _sql(statement: str) -> str:
    psql = ("psql", "--username=postgres", "--dbname=mlflow", "--set=ON_ERROR_STOP=1", "--tuples-only", "--no-align")
    return kube.kubectl("exec", "postgres-0", "--namespace=mlflow", "--", *psql, f"--command={statement}").stdout


def _delete_experiment(platform: Platform, team: str, experiment: str) -> None:
    """Delete an experiment as the team's manager: programs may not."""
    site = Site.of(platform)
    token = id_token(site, platform, MANAGERS[team])
    answer = site.ask("POST", DELETE, token=token, workspace=team, document={"experiment_id": experiment})
    assert answer.status == 200, answer.body


def _age(ids: dict[str, Any]) -> None:
    """Set the times of the objects that shall be old into the past."""
    back = "- {days}::bigint * 86400000"
    runs, experiments, traces = ids["runs"], ids["experiments"], ids["traces"]
    deleted = back.format(days=DELETED_DAYS + 1)
    for name in ("long ago", "registered", "inside"):
        _sql(f"UPDATE runs SET deleted_time = deleted_time {deleted} WHERE run_uuid = '{runs[name]}'")  # noqa: S608 - IDs
    gone = experiments["gone"]
    _sql(f"UPDATE experiments SET last_update_time = last_update_time {deleted} WHERE experiment_id = {gone}")  # noqa: S608
    for name, days in (("old", TRACE_DAYS), ("archived", ARCHIVE_DAYS)):
        moved = back.format(days=days + 1)
        _sql(f"UPDATE trace_info SET timestamp_ms = timestamp_ms {moved} WHERE request_id = '{traces[name]}'")  # noqa: S608


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("retention")
    try:
        platform = variant.deploy(folder, changes())
        ids = {team: _client(platform, folder, team, "fill") for team in MANAGERS}
        for team, one in ids.items():
            _delete_experiment(platform, team, one["experiments"]["gone"])
            _age(one)
        yield Scene(platform=platform, folder=folder, ids=ids)
    finally:
        variant.restore()


def _retention(*options: str) -> str:
    return run("make", "retention", "STACK=dev", *options, seconds=RUN_SECONDS).stdout


def test_a_dry_run_says_what_would_go_and_changes_nothing(scene: Scene) -> None:
    before = scene.seen("team-a"), scene.files("team-a")
    said = _retention("DRY=1")
    runs = scene.ids["team-a"]["runs"]
    assert re.search(r"^team-a: would be: deleted runs \d+ ", said, re.MULTILINE)
    assert re.search(r"^team-a: would be: deleted experiments \d+ ", said, re.MULTILINE)
    assert re.search(r"^team-a: would be: kept for a registered model \d+ ", said, re.MULTILINE)
    assert runs["long ago"] in said
    assert "team-b" not in said
    assert (scene.seen("team-a"), scene.files("team-a")) == before


def test_what_is_old_goes_with_its_files_and_nothing_else(scene: Scene) -> None:
    _retention("YES=dev")
    seen = scene.seen("team-a")
    assert seen["runs"] == {
        "long ago": "RESOURCE_DOES_NOT_EXIST",
        "lately": "deleted",
        "registered": "deleted",
        "active": "active",
        "inside": "RESOURCE_DOES_NOT_EXIST",
    }
    assert seen["experiments"] == {"kept": "active", "gone": "RESOURCE_DOES_NOT_EXIST", "lively": "active"}
    assert scene.files("team-a") == {"long ago": 0, "lately": 1, "registered": 1, "active": 1, "inside": 0}


def test_an_archived_trace_is_still_shown_with_its_spans_and_an_old_one_is_gone(scene: Scene) -> None:
    spans = scene.seen("team-a")["spans"]
    assert spans["new"] == spans["archived"] == ["inner", "outer"]
    assert spans["old"] in {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
    traces = scene.ids["team-a"]["traces"]
    rows = {
        name: int(_sql(f"SELECT coalesce(sum(length(content)), 0) FROM spans WHERE trace_id = '{traces[name]}'"))  # noqa: S608
        for name in traces
    }
    assert rows["new"] > 0
    assert (rows["archived"], rows["old"]) == (0, 0)


def test_a_team_whose_days_are_nought_loses_nothing(scene: Scene) -> None:
    seen = scene.seen("team-b")
    assert set(seen["runs"].values()) == {"deleted", "active"}
    assert seen["experiments"]["gone"] == "deleted"
    assert all(spans == ["inner", "outer"] for spans in seen["spans"].values())
    assert set(scene.files("team-b").values()) == {1}


def test_the_question_is_asked_before_anything_is_deleted(scene: Scene) -> None:
    assert scene.platform.url
    said = run("make", "retention", "STACK=dev", stdin="no\n", seconds=RUN_SECONDS, expected=None)
    assert said.code != 0
    assert "nothing was deleted" in said.said


def test_a_second_deployment_changes_nothing(scene: Scene) -> None:
    variant.expect_no_changes(scene.folder, changes())
