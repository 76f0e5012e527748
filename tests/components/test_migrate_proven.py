"""The condition before a migration, with fakes for the migration itself, the database and the API server."""

import io
import json
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from tests.components.pod_scripts import fake, load

HEAD, OLD, NEWER = "dc11669786a5", "b7e2c1a4d9f3", "ffffffffffff"
NOW = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)
BEGIN = "nothing was changed: MLflow 3.18.0 changes the schema of the database, which only a backup takes back, and "
END = " With server.migration.requireBackup: false it migrates without a proof (docs/proven-upgrade.md)."


@dataclass
class World:
    """A database and a CronJob before the script runs."""

    revision: str | None = OLD
    status: dict[str, str] = field(default_factory=dict[str, str])
    errors: list[OSError] = field(default_factory=list[OSError])
    """First answers of the API server."""

    asked: list[Any] = field(default_factory=list[Any])
    done: list[str] = field(default_factory=list[str])

    def open(self, request: Any, *, timeout: float, context: object) -> io.BytesIO:  # noqa: ANN401 - urllib's request
        """Answer a request to the API server."""
        assert timeout
        assert context == "verified by ca.crt"
        self.asked.append(request)
        if self.errors:
            raise self.errors.pop(0)
        return io.BytesIO(json.dumps({"status": self.status}).encode())

    def wait(self, _: object) -> None:
        """Wait for the database."""
        self.done.append("waited")

    def sleep(self, _: float) -> None:
        """Wait for the API server."""
        self.done.append("paused")

    def in_database(self, _: object) -> str | None:
        """The revision of the database's schema."""
        return self.revision

    def finish(self, code: int, message: str) -> NoReturn:
        """End the script as the migration does."""
        self.done.append(message)
        raise SystemExit(code)


Run = Callable[[World], int]


def is_known(revision: str) -> bool:
    return revision != NEWER


def now(_: object) -> datetime:
    return NOW


def verifying(*, cafile: str) -> str:
    return f"verified by {Path(cafile).name}"


def connect(*_: str) -> SimpleNamespace:
    return SimpleNamespace(dispose=lambda: None)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the script in a world; returns its exit code."""
    variables = {
        "MLFLOW_BACKEND_STORE_URI": "postgresql://mlflow@postgres/mlflow",
        "KUBERNETES_SERVICE_HOST": "fd00::1",
        "KUBERNETES_SERVICE_PORT": "443",
        "PROOF_CRON_JOB": "prove-backup",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name, content in {"namespace": "mlflow", "token": "t0ken", "ca.crt": ""}.items():
        (tmp_path / name).write_text(content)

    def started(world: World) -> int:
        migrate = fake(
            "migrate",
            wait_until_it_answers=world.wait,
            finish=world.finish,
            main=lambda: world.finish(0, "migrated"),
        )
        revisions = fake("revisions", head=lambda: HEAD, in_database=world.in_database, known=is_known)
        fakes = [fake("mlflow", __version__="3.18.0"), migrate, revisions, fake("postgresql", connect=connect)]
        script = load(monkeypatch, "migrate_proven", fakes)
        script.FILES = tmp_path
        script.datetime = SimpleNamespace(now=now, fromisoformat=datetime.fromisoformat)
        script.ssl = SimpleNamespace(create_default_context=verifying)
        script.time = SimpleNamespace(sleep=world.sleep)
        monkeypatch.setattr(script.urllib.request, "urlopen", world.open)
        with pytest.raises(SystemExit) as end:
            script.main()
        return int(end.value.code or 0)

    return started


def proven(**ago: float) -> dict[str, str]:
    return {"lastSuccessfulTime": (NOW - timedelta(**ago)).isoformat().replace("+00:00", "Z")}


@pytest.mark.parametrize("hours", [0.1, 26])
def test_a_schema_is_changed_if_a_backup_was_proven_within_the_last_day(run: Run, hours: float) -> None:
    world = World(status=proven(hours=hours))
    assert run(world) == 0
    assert world.done == ["waited", "migrated"]


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ({}, "no backup was proven yet"),
        ({"lastScheduleTime": "2026-11-28T03:00:00Z"}, "no backup was proven yet"),
        (proven(hours=26, seconds=1), "the last one was proven at 2026-11-27 10:00 UTC"),
    ],
)
def test_without_a_proof_of_today_nothing_is_changed_and_the_remedy_is_said(
    run: Run, status: dict[str, str], found: str
) -> None:
    world = World(status=status)
    assert run(world) == 21
    remedy = "; expected a proof of the last 26 hours. Run `make prove`, then `up` again."
    assert world.done == ["waited", f"{BEGIN}{found}{remedy}{END}"]


@pytest.mark.parametrize("revision", [None, HEAD, NEWER])
def test_what_changes_no_schema_that_has_data_needs_no_proof(run: Run, revision: str | None) -> None:
    world = World(revision=revision)
    assert run(world) == 0
    assert (world.asked, world.done) == ([], ["waited", "migrated"])


def test_it_asks_for_the_one_object_with_the_token_of_its_pod(run: Run) -> None:
    world = World(status=proven(hours=1))
    run(world)
    (request,) = world.asked
    assert request.full_url == "https://[fd00::1]:443/apis/batch/v1/namespaces/mlflow/cronjobs/prove-backup"
    assert request.get_header("Authorization") == "Bearer t0ken"


def refused(code: int) -> urllib.error.HTTPError:
    return urllib.error.HTTPError("https://x", code, "", Message(), None)


def test_a_stack_whose_proofs_begin_with_this_deployment_has_none(run: Run) -> None:
    world = World(errors=[refused(404)])
    assert run(world) == 21
    assert f"{BEGIN}no backup was proven yet" in world.done[-1]


def test_an_api_server_that_refuses_is_named(run: Run) -> None:
    world = World(errors=[refused(403)])
    assert run(world) == 21
    found = "it is unknown when a backup was last proven: the API server answers 403. Mend that, and run `up` again."
    assert world.done == ["waited", f"{BEGIN}{found}{END}"]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_an_api_server_that_is_busy_is_asked_again(run: Run, code: int) -> None:
    world = World(status=proven(hours=1), errors=[refused(code)] * 2)
    assert run(world) == 0
    assert world.done == ["waited", "paused", "paused", "migrated"]


def test_networks_may_take_a_moment_for_a_new_pod_and_not_for_ever(run: Run) -> None:
    patient = World(status=proven(hours=1), errors=[OSError("timed out")] * 5)
    assert run(patient) == 0
    assert patient.done == ["waited", *["paused"] * 5, "migrated"]
    away = World(status=proven(hours=1), errors=[OSError("timed out")] * 6)
    assert run(away) == 21
    assert "the API server does not answer: timed out" in away.done[-1]
