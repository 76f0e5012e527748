"""An old MLflow on SQLite and one on PostgreSQL move in with the commands of docs/moving-in.md.

Each test begins where the one before it ended.
"""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import CHECKOUT, Finished, kill_group, run, wait_for
from testbed.e2e.mlflow_client import Client
from testbed.e2e.people import id_token
from testbed.e2e.web import Site
from tools.adopt import environment
from tools.stack import Platform

pytestmark = pytest.mark.chapters

PODS = Path(__file__).parent / "pods"
LOOK = "../rehearsals/moving_in/pods/look"
FILL_SECONDS, MOVE_SECONDS, POD_SECONDS = 300, 600, 120
SUFFIX = f"-{time.time_ns()}"
# Each gets an old MLflow of its own, and its manager deletes it at the end.
SQLITES, POSTGRESQLS = "team-a", "team-b"
MANAGERS = {SQLITES: "alice@example.com", POSTGRESQLS: "bob@example.com"}
PREFIX = "old-"
NAMESPACE = "moving-in"
DATABASE, PASSWORD = "old_mlflow", "old-and-known"
API, MOST = "/api/2.0/mlflow", 100
COMMAND = ("make", "--silent", "adopt", "STACK=dev")


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


@contextlib.contextmanager
def _forwarded() -> Generator[str]:
    """Forward the old PostgreSQL's port to this machine; yields its address."""
    command = ("kubectl", "port-forward", f"--namespace={NAMESPACE}", "pod/postgres", ":5432")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
        assert found, "kubectl forwards no port"
        yield found[0]
    finally:
        process.kill()
        process.wait()


def _sql(statement: str, database: str = DATABASE) -> str:
    """Run SQL as the old PostgreSQL's superuser; returns the output."""
    psql = ("psql", "--host=/run/pg", "--username=postgres", f"--dbname={database}", "--set=ON_ERROR_STOP=1", "-AtX")
    command = ("exec", "postgres", f"--namespace={NAMESPACE}", "--", *psql, f"--command={statement}")
    return kube.kubectl(*command).stdout


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    """An old MLflow on a PostgreSQL of its own."""
    folder = tmp_path_factory.mktemp("postgresql")
    kube.kubectl("apply", "--filename", str(Path(__file__).with_name("postgresql.yaml")))
    try:
        kube.wait_for_pods(NAMESPACE, seconds=POD_SECONDS)
        _sql(f"CREATE ROLE {DATABASE} LOGIN PASSWORD '{PASSWORD}'", "postgres")
        _sql(f"CREATE DATABASE {DATABASE} OWNER {DATABASE}", "postgres")
        with _forwarded() as address:
            source = f"postgresql://{DATABASE}:{PASSWORD}@{address}/{DATABASE}"
            _fill(source, folder)
            yield Old(source=source, folder=folder)
    finally:
        kube.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", seconds=POD_SECONDS)


@pytest.fixture(scope="module", autouse=True)
def nothing_stays(platform: Platform) -> Iterator[None]:
    """Delete everything that was moved, even in part, because other rehearsals read the team's models."""
    yield
    site = Site.of(platform)
    for team, manager in MANAGERS.items():
        token = id_token(site, platform, manager)
        models = _moved(site, token, team, "registered-models", "registered_models")
        experiments = _moved(site, token, team, "experiments", "experiments")
        ended = [("DELETE", "registered-models", {"name": one["name"]}) for one in models]
        ended += [("POST", "experiments", {"experiment_id": one["experiment_id"]}) for one in experiments]
        for method, kind, document in ended:
            answer = site.ask(method, f"{API}/{kind}/delete", token=token, workspace=team, document=document)
            assert answer.status == HTTPStatus.OK, (kind, document, answer.body)


def _moved(site: Site, token: str, team: str, kind: str, key: str) -> list[dict[str, Any]]:
    """Experiments or registered models (prompts are among them) whose names end in this run's suffix."""
    query = urlencode({"max_results": MOST, "filter": f"name LIKE '%{SUFFIX}'"})
    answer = site.ask("GET", f"{API}/{kind}/search?{query}", token=token, workspace=team)
    assert answer.status == HTTPStatus.OK, answer.body
    return answer.json().get(key, [])


def adopt(old: Old, team: str, *variables: str, expected: int | None = 0) -> Finished:
    """Run the documented command `make adopt`."""
    command = (*COMMAND, f"TEAM={team}", *variables)
    return run(*command, seconds=MOVE_SECONDS, env={"SOURCE": old.source}, expected=expected)


def rows() -> str:
    """Count and digest of the rows of each table in the old database."""
    tables = _sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1").split()
    counted = "count(*), sum(hashtextextended(t::text, 0))"
    return _sql(" UNION ALL ".join(f"SELECT '{one}', {counted} FROM \"{one}\" AS t" for one in tables))  # noqa: S608 - names of the database itself


def as_it_should_be(found: dict[str, Any]) -> None:
    """Fail unless the team sees what the old MLflow had."""
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
    found = client.script(f"{LOOK}_for_one", f"files{SUFFIX}", team=SQLITES)
    return found["there"]


def test_a_dry_run_says_what_would_come_and_writes_nothing(client: Client, file: Old) -> None:
    before = file.hashes()
    said = adopt(file, SQLITES, "DRY=1").stdout
    assert f"experiment training{SUFFIX}: 3 runs, " in said
    assert f"left out: experiment gone{SUFFIX}: it is deleted; DELETED=1 moves it" in said
    assert client.script(f"{LOOK}_for_one", f"training{SUFFIX}", team=SQLITES)["there"] is False
    assert file.hashes() == before


def test_a_move_that_is_killed_goes_on_and_writes_nothing_twice(client: Client, file: Old) -> None:
    before = file.hashes()
    process = subprocess.Popen(
        (*COMMAND, f"TEAM={SQLITES}"),
        cwd=CHECKOUT,
        env={**os.environ, "SOURCE": file.source},
        start_new_session=True,
        text=True,
    )
    try:
        wait_for("the first experiment", lambda: _begun(client), seconds=MOVE_SECONDS)
    finally:
        kill_group(process.pid)
        assert process.wait() in {-signal.SIGKILL, 0}
    done = adopt(file, SQLITES)
    assert done.stdout.splitlines()[-1].startswith("DONE: ")
    as_it_should_be(client.script(LOOK, SUFFIX, "", team=SQLITES))
    assert file.hashes() == before


def test_a_second_run_writes_nothing_and_compares_again(file: Old) -> None:
    report = json.loads(adopt(file, SQLITES, "JSON=1").stdout)
    assert report["complete"] is True
    assert report["moved"] == {}
    assert {one["same"] for one in report["compared"]} == {True}
    assert len(report["compared"]) == 4


def test_files_of_a_database_are_read_only_at_the_place_that_is_named(client: Client, database: Old) -> None:
    refused = adopt(database, POSTGRESQLS, expected=None)
    assert refused.code != 0
    assert f"experiment training{SUFFIX}, run " in refused.stderr
    assert "If they belong to the old MLflow, name their place: ARTIFACTS=/" in refused.stderr
    assert client.script(f"{LOOK}_for_one", f"training{SUFFIX}", team=POSTGRESQLS)["there"] is False


def test_a_database_moves_into_another_team_and_stays_as_it_is(client: Client, database: Old) -> None:
    before, files = rows(), database.hashes()
    done = adopt(database, POSTGRESQLS, f"ARTIFACTS={database.folder}")
    assert PASSWORD not in done.said
    assert done.stdout.splitlines()[-1].startswith("DONE: ")
    as_it_should_be(client.script(LOOK, SUFFIX, "", team=POSTGRESQLS))
    assert (rows(), database.hashes()) == (before, files)


def test_names_that_are_taken_are_refused_before_anything_is_written_and_a_prefix_helps(
    client: Client, database: Old
) -> None:
    files = f"ARTIFACTS={database.folder}"
    refused = adopt(database, SQLITES, files, f"EXPERIMENTS=training{SUFFIX}", expected=None)
    assert refused.code != 0
    assert f"experiment training{SUFFIX}: the workspace has an experiment, moved from /" in refused.stderr
    assert f"registered model doubler{SUFFIX}: the workspace has one" in refused.stderr
    experiments = f"EXPERIMENTS=training{SUFFIX},files{SUFFIX}"
    report = json.loads(adopt(database, SQLITES, files, experiments, f"PREFIX={PREFIX}", "JSON=1").stdout)
    moved = {f"{PREFIX}training{SUFFIX}", f"{PREFIX}files{SUFFIX}", "registered models"}
    assert {one["name"] for one in report["compared"]} == moved
    found = client.script(f"{LOOK}_for_one", f"{PREFIX}files{SUFFIX}", team=SQLITES)
    assert found["there"] is True
