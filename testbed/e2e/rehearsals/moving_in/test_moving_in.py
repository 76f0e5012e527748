"""An old MLflow on SQLite moves in with the commands of docs/moving-in.md.

Each test begins where the one before it ended.
"""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from testbed.e2e.commands import CHECKOUT, Finished, kill_group, run, wait_for
from testbed.e2e.mlflow_client import Client
from testbed.e2e.people import id_token
from testbed.e2e.web import Site
from tools.adopt import environment
from tools.stack import Platform

pytestmark = pytest.mark.chapters

PODS = Path(__file__).parent / "pods"
LOOK = "../rehearsals/moving_in/pods/look"
FILL_SECONDS, MOVE_SECONDS = 300, 600
SUFFIX = f"-{time.time_ns()}"
TEAM, MANAGER = "team-a", "alice@example.com"
API, MOST = "/api/2.0/mlflow", 100
COMMAND = ("make", "--silent", "adopt", "STACK=dev", f"TEAM={TEAM}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Old:
    """An old MLflow, and the folder of its files."""

    source: str
    folder: Path

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file in the folder."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def _fill(uri: str, folder: Path) -> None:
    python, search_path = environment.python()
    scratch = folder.with_name(f"{folder.name}-scratch")
    scratch.mkdir()
    command = (python, PODS / "old_mlflow.py", uri, folder / "artifacts", scratch, SUFFIX)
    run(
        *command,
        seconds=FILL_SECONDS,
        env={"PYTHONPATH": search_path, "MLFLOW_DISABLE_TELEMETRY": "true"},
        cwd=scratch,
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Old:
    folder = tmp_path_factory.mktemp("sqlite")
    _fill(f"sqlite:///{folder}/mlflow.db", folder)
    return Old(source=str(folder / "mlflow.db"), folder=folder)


@pytest.fixture(scope="module", autouse=True)
def nothing_stays(platform: Platform) -> Iterator[None]:
    """What was moved is deleted afterwards, half-moved or not: other rehearsals look at the team's models."""
    yield
    site = Site.of(platform)
    token = id_token(site, platform, MANAGER)
    models = _moved(site, token, "registered-models", "registered_models")
    experiments = _moved(site, token, "experiments", "experiments")
    ended = [("DELETE", "registered-models", {"name": one["name"]}) for one in models]
    ended += [("POST", "experiments", {"experiment_id": one["experiment_id"]}) for one in experiments]
    for method, kind, document in ended:
        answer = site.ask(method, f"{API}/{kind}/delete", token=token, workspace=TEAM, document=document)
        assert answer.status == HTTPStatus.OK, (kind, document, answer.body)


def _moved(site: Site, token: str, kind: str, key: str) -> list[dict[str, Any]]:
    """Experiments or registered models (prompts are among them) whose names end in this run's suffix."""
    query = urlencode({"max_results": MOST, "filter": f"name LIKE '%{SUFFIX}'"})
    answer = site.ask("GET", f"{API}/{kind}/search?{query}", token=token, workspace=TEAM)
    assert answer.status == HTTPStatus.OK, answer.body
    return answer.json().get(key, [])


def adopt(old: Old, *variables: str) -> Finished:
    """The documented command."""
    return run(*COMMAND, *variables, seconds=MOVE_SECONDS, env={"SOURCE": old.source})


def as_it_should_be(found: dict[str, Any]) -> None:
    """The team sees what the old MLflow had."""
    assert found == {
        "runs": ["rate 0.01", "rate 0.1", "sweep"],
        "twice": 0,
        "parent": True,
        "points": 2500,
        "datasets": ["data 0.1"],
        "prediction": 42.0,
        "version": 3,
        "prompt": "Good day {{name}}",
        "files": 3,
        "deep": ["deep/MLmodel", "deep/deeper"],
        "spans": ["inner", "outer"],
    }


def _begun(client: Client) -> bool:
    found = client.script(f"{LOOK}_for_one", f"files{SUFFIX}", team=TEAM)
    return found["there"]


def test_a_dry_run_says_what_would_come_and_writes_nothing(client: Client, file: Old) -> None:
    before = file.hashes()
    said = adopt(file, "DRY=1").stdout
    assert f"experiment training{SUFFIX}: 3 runs, " in said
    assert f"left out: experiment gone{SUFFIX}: it is deleted; DELETED=1 moves it" in said
    assert client.script(f"{LOOK}_for_one", f"training{SUFFIX}", team=TEAM)["there"] is False
    assert file.hashes() == before


def test_a_move_that_is_killed_goes_on_and_writes_nothing_twice(client: Client, file: Old) -> None:
    before = file.hashes()
    process = subprocess.Popen(
        COMMAND, cwd=CHECKOUT, env={**os.environ, "SOURCE": file.source}, start_new_session=True, text=True
    )
    try:
        wait_for("the first experiment", lambda: _begun(client), seconds=MOVE_SECONDS)
    finally:
        kill_group(process.pid)
        assert process.wait() in {-signal.SIGKILL, 0}
    done = adopt(file)
    assert done.stdout.splitlines()[-1].startswith("DONE: ")
    as_it_should_be(client.script(LOOK, SUFFIX, "", team=TEAM))
    assert file.hashes() == before


def test_a_second_run_writes_nothing_and_compares_again(file: Old) -> None:
    report = json.loads(adopt(file, "JSON=1").stdout)
    assert report["complete"] is True
    assert report["moved"] == {}
    assert {one["same"] for one in report["compared"]} == {True}
    assert len(report["compared"]) == 4
