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
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import CHECKOUT, Finished, kill_group, run, wait_for
from testbed.e2e.mlflow_client import Client
from tools.adopt import environment

pytestmark = pytest.mark.chapters

PODS = Path(__file__).parent / "pods"
LOOK = "../rehearsals/moving_in/pods/look"
FILL_SECONDS, MOVE_SECONDS, POD_SECONDS = 300, 600, 120
SUFFIX = f"-{time.time_ns()}"
SQLITES, POSTGRESQLS = "team-a", "team-b"
PREFIX = "old-"
NAMESPACE = "moving-in"
DATABASE, PASSWORD = "old_mlflow", "old-and-known"


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
    """The address of the old PostgreSQL on this machine."""
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


def adopt(old: Old, team: str, *variables: str, expected: int | None = 0) -> Finished:
    """The documented command."""
    command = ("make", "--silent", "adopt", "STACK=dev", f"TEAM={team}", *variables)
    return run(*command, seconds=MOVE_SECONDS, env={"SOURCE": old.source}, expected=expected)


def rows() -> str:
    """Count and digest of the rows of each table in the old database."""
    tables = _sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1").split()
    counted = "count(*), sum(hashtextextended(t::text, 0))"
    return _sql(" UNION ALL ".join(f"SELECT '{one}', {counted} FROM \"{one}\" AS t" for one in tables))  # noqa: S608 - names of the database itself


def seen(client: Client, team: str, prefix: str = "") -> Any:  # noqa: ANN401 - any JSON
    return client.script(LOOK, SUFFIX, prefix, team=team)


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
    command = ["make", "--silent", "adopt", "STACK=dev", f"TEAM={SQLITES}"]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env={**os.environ, "SOURCE": file.source}, start_new_session=True, text=True
    )
    try:
        wait_for("the first experiment", lambda: _begun(client), seconds=MOVE_SECONDS)
    finally:
        kill_group(process.pid)
        assert process.wait() in {-signal.SIGKILL, 0}
    done = adopt(file, SQLITES)
    assert done.stdout.splitlines()[-1].startswith("DONE: ")
    as_it_should_be(seen(client, SQLITES))
    assert file.hashes() == before


def test_a_second_run_writes_nothing_and_compares_again(file: Old) -> None:
    report = json.loads(adopt(file, SQLITES, "JSON=1").stdout)
    assert report["complete"] is True
    assert report["moved"] == {}
    assert {one["same"] for one in report["compared"]} == {True}
    assert len(report["compared"]) == 4


def test_a_database_moves_into_another_team_and_stays_as_it_is(client: Client, database: Old) -> None:
    before, files = rows(), database.hashes()
    done = adopt(database, POSTGRESQLS)
    assert PASSWORD not in done.said
    # Programs may not delete, so the number of a version that was deleted stays in use.
    assert f"left out: version 2 of doubler{SUFFIX}: SOURCE has none." in done.stdout
    as_it_should_be(seen(client, POSTGRESQLS))
    assert (rows(), database.hashes()) == (before, files)


def test_names_that_are_taken_are_refused_before_anything_is_written_and_a_prefix_helps(
    client: Client, database: Old
) -> None:
    refused = adopt(database, SQLITES, f"EXPERIMENTS=training{SUFFIX}", expected=None)
    assert refused.code != 0
    assert f"experiment training{SUFFIX}: the workspace has an experiment, moved from /" in refused.stderr
    assert f"registered model doubler{SUFFIX}: the workspace has one" in refused.stderr
    experiments = f"EXPERIMENTS=training{SUFFIX},files{SUFFIX}"
    report = json.loads(adopt(database, SQLITES, experiments, f"PREFIX={PREFIX}", "JSON=1").stdout)
    moved = {f"{PREFIX}training{SUFFIX}", f"{PREFIX}files{SUFFIX}", "registered models"}
    assert {one["name"] for one in report["compared"]} == moved
    found = client.script(f"{LOOK}_for_one", f"{PREFIX}files{SUFFIX}", team=SQLITES)
    assert found["there"] is True
