"""Backups of the in-cluster PostgreSQL: a restore gives exactly what was acknowledged up to a second."""

import contextlib
import json
import sys
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from testbed.e2e import kube, variant
from testbed.e2e.commands import Finished, kill_group, run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.ledger import Ledger
from testbed.e2e.mlflow_client import Client
from tools.stack import Platform

pytestmark = pytest.mark.chapters

TEAM = "team-a"
# At an hour that does not begin while the tests run.
HOUR = (datetime.now(UTC).hour + 12) % 24
CHANGES = {"mlflow-platform:backups": {"enabled": True, "days": 2, "hour": HOUR}}
ROUNDS = 5
LOGGING_SECONDS = 60
BACKUP_SECONDS = 240
RESTORE_SECONDS = 600
CLIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
HERE = Path(__file__).parent
SPACE = "--namespace=mlflow"
SIDECAR = ("exec", "postgres-0", SPACE, "--container=backup", "--")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The `dev` stack with backups, and afterwards as it is committed, without what the tests have kept."""
    try:
        yield variant.deploy(tmp_path_factory.mktemp("variant"), CHANGES)
        for name in listing()["kept"]:
            backups("restore", "--drop", name)
    finally:
        variant.restore()


@pytest.fixture(scope="module")
def logging_client(deployed: Platform, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A client of the team."""
    return Client.of(deployed, tmp_path_factory.mktemp("client"))


def backups(*arguments: str, seconds: float = BACKUP_SECONDS, expected: int | None = 0, **env: str) -> Finished:
    """Result of a command that `make backup`, `make backups` and `make restore` run."""
    return run(
        sys.executable, "-m", "tools.backups", "--stack", "dev", *arguments, seconds=seconds, expected=expected, env=env
    )


def listing() -> Any:  # noqa: ANN401 - any JSON
    """The backups as JSON."""
    return json.loads(backups("list", "--json").stdout)


def exec_python(pod: str, container: str, script: str, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
    """Run a script in a container of the platform; returns the JSON in its last line."""
    command = ("exec", pod, SPACE, f"--container={container}", "--", "python3", "-c", script, *arguments)
    return json.loads(kube.kubectl(*command, seconds=BACKUP_SECONDS).stdout.splitlines()[-1])


@contextlib.contextmanager
def logging(client: Client, file: Path) -> Generator[None]:
    """A client that logs until the end of the block."""
    process = client.start("keep_logging", team=TEAM, output=file, env=CLIENT)
    try:
        yield
        process.communicate(timeout=LOGGING_SECONDS)
        assert process.returncode == 0, file.with_suffix(".log").read_text(encoding="utf-8")[-2000:]
    finally:
        kill_group(process.pid)
        process.wait()


def at_work(file: Path, rounds: int) -> None:
    """Wait until the client has logged this number of further rounds."""
    moment = time.time()
    wait_for(
        "the client at work",
        lambda: file.exists() and Ledger.read(file).since(moment).whole_rounds() >= rounds,
        seconds=LOGGING_SECONDS,
    )


def runs_of(client: Client) -> set[str]:
    """Ids of all runs that MLflow shows."""
    return set(client.script("../rehearsals/backups/pods/run_ids", team=TEAM))


def written(file: Path) -> list[dict[str, Any]]:
    """Lines of the client about runs."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["kind"] == "run" and line["acknowledged"]]


def test_the_first_base_backup_is_taken_at_once(deployed: Platform, figures: Figures) -> None:
    before = {one["name"] for one in listing()["backups"]}
    assert deployed.namespace == "mlflow"
    wait_for("a time that can be restored since then", _now_can_be_restored, seconds=BACKUP_SECONDS)
    found = listing()["backups"][-1]
    assert found["bytes"] > found["stored"] > 0
    figures.add(
        "backups: a base backup", f"{found['seconds']:.0f} s for {found['bytes'] >> 20} MiB, {before or 'first'}"
    )


def test_a_second_deployment_changes_nothing(deployed: Platform, tmp_path: Path) -> None:
    assert deployed.url
    variant.expect_no_changes(tmp_path, CHANGES)


def test_exactly_what_was_acknowledged_by_a_second_is_restored(
    logging_client: Client, tmp_path: Path, figures: Figures
) -> None:
    file = tmp_path / "ledger.jsonl"
    with logging(logging_client, file):
        at_work(file, 2 * ROUNDS)
        to = datetime.fromtimestamp(int(time.time()), UTC)
        at_work(file, ROUNDS)
    text = to.strftime("%Y-%m-%dT%H:%M:%SZ")
    done = backups("restore", "--to", text, seconds=RESTORE_SECONDS, YES="dev")
    found = runs_of(logging_client)
    runs = written(file)
    early = {line["run_id"] for line in runs if line["ended"] <= to.timestamp()}
    late = {line["run_id"] for line in runs if line["started"] > to.timestamp()}
    assert len(early) >= ROUNDS
    assert len(late) >= ROUNDS
    assert early - found == set(), "acknowledged by then, and not there"
    assert late & found == set(), "begun after that, and there"
    assert "go back with" in done.stdout
    figures.add(
        "backups: a restore", f"{done.seconds:.0f} s from the command to a ready server, {len(early)} runs there"
    )


def test_a_time_that_cannot_be_restored_is_refused_with_those_that_can() -> None:
    said = backups("restore", "--to", "2020-01-01T00:00:00Z", expected=1, YES="dev").stderr
    assert "2020-01-01T00:00:00Z cannot be restored; what can be restored: " in said


def test_nothing_is_lost_while_the_store_is_away(logging_client: Client) -> None:
    wait_for("a base backup of the new timeline", _has_new_base_backup, seconds=BACKUP_SECONDS)
    kube.kubectl("scale", "statefulset/object-store", "--replicas=0", SPACE)
    try:
        selector = "--selector=app.kubernetes.io/name=object-store"
        kube.kubectl("wait", "pods", selector, "--for=delete", "--timeout=120s", SPACE, seconds=BACKUP_SECONDS)
        times = logging_client.script("../rehearsals/backups/pods/log_runs", "5", team=TEAM)
        # In transactions of their own: the mark has to be in the file that is finished.
        statements = ("--command=SELECT pg_current_xact_id()", "--command=SELECT pg_switch_wal()")
        kube.kubectl(*SIDECAR, "psql", "--dbname=postgres", *statements)
        wait_for("it says that files wait", lambda: "wait on the volume" in _log(), seconds=LOGGING_SECONDS)
    finally:
        kube.kubectl("scale", "statefulset/object-store", "--replicas=1", SPACE)
        kube.wait_until_ready("object-store", "mlflow", seconds=BACKUP_SECONDS)
    wait_for("the files that waited were sent", lambda: "that waited were sent" in _log(), seconds=LOGGING_SECONDS)
    found = listing()
    assert found["waiting"] == 0
    last = found["ranges"][-1]
    assert datetime.fromisoformat(last["since"]).timestamp() < times[0]
    assert datetime.fromisoformat(last["until"]).timestamp() > times[-1]


def test_old_backups_are_deleted_and_what_the_days_need_is_kept() -> None:
    """To restore any time of the last two days, the newest backup that is older is needed too."""
    first, second = (one["name"] for one in listing()["backups"][-2:])
    shift = (HERE / "pods" / "shift_backups.py").read_text(encoding="utf-8")
    exec_python("postgres-0", "backup", shift, json.dumps({first: 5, second: 3}))
    # The platform may take one by itself now that none is of today; the command says so, and ends.
    wait_for("a base backup", lambda: backups("now", expected=None).code == 0, seconds=2 * BACKUP_SECONDS)
    left = [one["name"] for one in listing()["backups"]]
    assert first not in left
    assert left[0] == second


def test_neither_key_reaches_what_belongs_to_the_other() -> None:
    script = (HERE / "pods" / "reach.py").read_text(encoding="utf-8")
    pod = kube.pod_of("mlflow", "mlflow")["metadata"]["name"]
    url = "http://object-store:8333"
    refused = {"list": "AccessDenied", "get": "AccessDenied", "put": "AccessDenied"}
    assert exec_python(pod, "mlflow", script, url, "mlflow-backups") == refused
    assert exec_python("postgres-0", "backup", script, url, "mlflow") == refused


def _now_can_be_restored() -> bool:
    """True if a base backup and the log after it reach until now.

    Backups of an earlier deployment do not: PostgreSQL ran without an archive since.
    """
    now = datetime.now(UTC)
    kube.kubectl(*SIDECAR, "python3", "/etc/backup/backup.py", "flush")
    ranges = listing()["ranges"]
    return bool(ranges) and datetime.fromisoformat(ranges[-1]["until"]) > now


def _has_new_base_backup() -> bool:
    """True if a base backup was taken since PostgreSQL started again after the restore."""
    return "is in the store" in _log()


def _log() -> str:
    return kube.kubectl("logs", "postgres-0", SPACE, "--container=backup").stdout
