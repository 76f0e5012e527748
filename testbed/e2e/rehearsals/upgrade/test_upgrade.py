"""Upgrade from the previous MLflow to the current one and one schema revision further, with 10,000 runs.

MLflow 3.16 cannot work with the schema of 3.17, so the migration's check is tested with real versions: the upgrade is
refused while the old server runs and done while it is paused, and a downgrade is refused. The further revision only
adds to the schema. Each test begins where the one before it ended, on the `dev` stack's own database, which is backed
up before and restored after as docs/upgrade.md says.
"""

import os
import re
import signal
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.usage import Usage
from testbed import versions
from testbed.e2e import kube, upgrade_data, variant
from testbed.e2e.commands import CHECKOUT, Finished, kill_group, run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.ledger import Ledger
from testbed.e2e.mlflow_client import Client

pytestmark = pytest.mark.chapters

TEAM = "team-a"
PAGE = CHECKOUT / "docs" / "upgrade.md"
SERVER = "mlflow-platform:server"
# What 3.17 keeps elsewhere than 3.16 did; the client's digest compares what it says.
MOVED_TABLES = {"alembic_version", "jobs", "span_metrics", "trace_metrics", "trace_request_metadata", "trace_tags"}
MOVED_COLUMNS = {("spans", "dimension_attributes")}
HELD_SECONDS = 240
WAIT_SECONDS = 180
# The grace period of the server's pod and what it takes a busy machine to notice.
GONE_SECONDS = 120
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
ROUNDS = 5


@dataclass(slots=True)
class Story:
    """State that one test leaves for the next."""

    folder: Path
    backup: Path
    runs_before: str = ""
    rows: dict[str, str] = field(default_factory=dict[str, str])
    columns: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    restored: bool = True


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("upgrade")
    told = Story(folder=folder, backup=folder / "mlflow.dump")
    yield told
    if not told.restored:
        _pause(told, versions.MLFLOW_IMAGE)
        _documented("pg_restore", told.folder)
        variant.restore()


def _documented(program: str, folder: Path) -> None:
    """Run the command of docs/upgrade.md that runs a program in the database's pod."""
    (found,) = (
        block
        for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        if f"-- {program}" in block and "statefulset/postgres" in block
    )
    run("sh", "-eu", "-c", found, cwd=folder, seconds=upgrade_data.SQL_SECONDS)


def _server(image: str, **more: object) -> dict[str, object]:
    return {SERVER: {"image": image, **more}}


def _pods() -> list[kube.Object]:
    return kube.objects("pods", "--namespace=mlflow", "--selector=app.kubernetes.io/name=mlflow")


def _pause(story: Story, image: str) -> None:
    variant.attempt(story.folder, _server(image, paused=True))
    wait_for("the server's pods to be gone", lambda: not _pods(), seconds=GONE_SECONDS)


def _deployed_image() -> str:
    deployment = kube.one("deployment", "mlflow", "mlflow")
    return next(one["image"] for one in deployment["spec"]["template"]["spec"]["containers"] if one["name"] == "mlflow")


@contextmanager
def _reading(client: Client, file: Path) -> Generator[None]:
    """A client that reads until the end of the block."""
    process = client.start("keep_reading", team=TEAM, output=file, env=IMPATIENT)
    try:
        wait_for("the client at work", lambda: len(Ledger.read(file).calls) >= ROUNDS, seconds=WAIT_SECONDS)
        yield
        process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == 0, file.with_suffix(".log").read_text(encoding="utf-8")[-2000:]
    finally:
        kill_group(process.pid)
        process.wait()


@contextmanager
def _held(table: str) -> Generator[None]:
    """Another session locks a table as a long query does, so that nobody can alter the table during the block."""
    statement = f"BEGIN; LOCK TABLE {table} IN ACCESS SHARE MODE; SELECT pg_sleep({HELD_SECONDS});"
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LOCK TABLE%pg_sleep%'"
    with ThreadPoolExecutor(1) as pool:
        # Ended by `ending`, so with an error.
        pool.submit(
            upgrade_data.command, "psql", "--username=postgres", "mlflow", "--command", statement, expected=None
        )
        try:
            yield
        finally:
            upgrade_data.sql(f"{ending} AND pid <> pg_backend_pid()")


def _waits_for_a_table() -> bool:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%migration%' AND wait_event_type='Lock'"
    return upgrade_data.sql(asked) != "0"


def _migration_pods() -> list[kube.Object]:
    return kube.objects("pods", "--namespace=mlflow", "--selector=app.kubernetes.io/name=migration")


def _kill_the_migration() -> str:
    """Kill the migration's process, as the kernel does when memory is short; returns the name of its pod."""
    (pod,) = (one for one in _migration_pods() if one["status"]["phase"] == "Running")
    (status,) = pod["status"]["containerStatuses"]
    os.kill(Usage.of(status["containerID"]).process(), signal.SIGKILL)
    return pod["metadata"]["name"]


def test_a_database_of_the_version_before_is_filled(story: Story, client: Client, figures: Figures) -> None:
    _pause(story, versions.MLFLOW_IMAGE)
    story.runs_before = upgrade_data.sql("SELECT count(*) FROM runs")
    _documented("pg_dump", story.folder)
    assert story.backup.stat().st_size > 0
    story.restored = False
    upgrade_data.command("dropdb", "--username=postgres", "mlflow")
    upgrade_data.command("createdb", "--username=postgres", "--owner=mlflow", "--template=template0", "mlflow")
    variant.deploy(story.folder, _server(versions.MLFLOW_PREVIOUS_IMAGE))
    filled = client.script("fill", team=TEAM)
    start = time.monotonic()
    upgrade_data.multiply(run=filled["run"], trace=filled["traces"][0], traces_there=len(filled["traces"]))
    figures.add("upgrade: multiplying to 10,000 runs and 1,000 traces", time.monotonic() - start)
    story.columns = {
        table: [name for name in names if (table, name) not in MOVED_COLUMNS]
        for table, names in upgrade_data.columns().items()
        if table not in MOVED_TABLES
    }
    story.rows = upgrade_data.digests(story.columns)
    assert story.rows["runs"].startswith(f"{upgrade_data.RUNS} rows")
    story.answers = client.script("digest", team=TEAM)
    assert story.answers["runs"][0] == upgrade_data.RUNS
    assert story.answers["traces"][0] == upgrade_data.TRACES


def test_a_schema_that_the_running_server_cannot_live_with_is_refused_and_it_serves_on(
    story: Story, client: Client, figures: Figures
) -> None:
    before, file = upgrade_data.revision(), story.folder / "refused.jsonl"
    with _reading(client, file):
        refused = variant.attempt(story.folder, _server(versions.MLFLOW_IMAGE), expected=None)
    assert refused.code != 0
    for words in (
        "nothing was changed",
        "add sql trace analytics schema",
        "the statement changes rows of jobs",
        "server.paused",
    ):
        assert words in refused.said, refused.said
    assert upgrade_data.revision() == before
    assert _deployed_image() == versions.MLFLOW_PREVIOUS_IMAGE
    calls = Ledger.read(file)
    assert calls.failures == ()
    figures.add("upgrade: refused beside a server that cannot live with it", refused.seconds)
    figures.add("upgrade: reads meanwhile", f"{len(calls.calls)} answered, none failed")


def test_a_migration_killed_half_way_has_changed_nothing_and_the_next_try_ends_it(
    story: Story, figures: Figures
) -> None:
    before = upgrade_data.revision()
    _pause(story, versions.MLFLOW_PREVIOUS_IMAGE)
    with ThreadPoolExecutor(1) as pool:
        # The last revision alters `jobs`: everything before it is done by then.
        with _held("jobs"):
            deployment: Future[Finished] = pool.submit(variant.attempt, story.folder, _server(versions.MLFLOW_IMAGE))
            wait_for("the migration half-way", _waits_for_a_table, seconds=WAIT_SECONDS)
            killed = _kill_the_migration()
            assert upgrade_data.revision() == before
            assert upgrade_data.digests(story.columns) == story.rows
        done = deployment.result(timeout=variant.UP_SECONDS)
    ended = {pod["metadata"]["name"]: pod["status"] for pod in _migration_pods()}
    (container,) = ended[killed]["containerStatuses"]
    assert container["state"]["terminated"]["exitCode"] == 128 + signal.SIGKILL
    assert sorted(status["phase"] for status in ended.values()) == ["Failed", "Succeeded"]
    figures.add("upgrade: 3.16 to 3.17 with 10,000 runs, killed once half-way", done.seconds)
    wait_for("the new server", lambda: any(map(kube.is_ready, _pods())), seconds=WAIT_SECONDS)
    assert upgrade_data.revision() != before
    assert _deployed_image() == versions.MLFLOW_IMAGE


def test_the_upgraded_platform_has_the_same_data(story: Story, client: Client) -> None:
    assert upgrade_data.digests(story.columns) == story.rows
    assert client.script("digest", team=TEAM) == story.answers


def test_a_second_up_after_the_upgrade_changes_nothing(story: Story) -> None:
    variant.expect_no_changes(story.folder, _server(versions.MLFLOW_IMAGE))


def test_the_version_before_is_refused_and_the_server_serves_on(story: Story, client: Client) -> None:
    file = story.folder / "downgrade.jsonl"
    with _reading(client, file):
        refused = variant.attempt(story.folder, _server(versions.MLFLOW_PREVIOUS_IMAGE), expected=None)
    assert refused.code != 0
    assert "does not know: a newer image has upgraded it" in refused.said, refused.said
    assert _deployed_image() == versions.MLFLOW_IMAGE
    assert Ledger.read(file).failures == ()


def test_a_schema_that_only_adds_is_taken_while_the_server_serves(
    story: Story, client: Client, figures: Figures
) -> None:
    file = story.folder / "additive.jsonl"
    with _reading(client, file):
        done = variant.attempt(story.folder, _server(versions.MLFLOW_NEXT_IMAGE))
    logs = kube.kubectl("logs", "--namespace=mlflow", "--selector=app.kubernetes.io/name=migration", "--tail=-1").stdout
    assert "servers that stay connected during the migration" in logs
    assert upgrade_data.revision() == "e2e000000001"
    calls = Ledger.read(file)
    assert calls.failures == ()
    figures.add("upgrade: a schema that only adds, beside the running server", done.seconds)
    figures.add("upgrade: reads during migration and rollout", f"{len(calls.calls)} answered, none failed")


def test_the_documented_restore_brings_the_backup_back(story: Story) -> None:
    _pause(story, versions.MLFLOW_NEXT_IMAGE)
    _documented("pg_restore", story.folder)
    variant.restore()
    story.restored = True
    assert upgrade_data.sql("SELECT count(*) FROM runs") == story.runs_before
    variant.expect_no_changes(story.folder, {})
