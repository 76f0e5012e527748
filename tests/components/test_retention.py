"""The CronJob of the retention, and the objects that its script deletes."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pulumi_kubernetes as k8s
import pytest

from components.mlflow.retention import LABELS, Days, Retention, RetentionArgs
from components.scripts import script as content
from tests.components.parts import NAMESPACE, artifact_store, database, environment, opened
from tests.components.script_modules import load
from tests.harness import Recording, deploy

DAY = 24 * 60 * 60 * 1000
NOW = 100 * DAY
DAYS = Days(deleted_days=30, trace_days=None, archive_days=None)


def retention(*, multi_tenant: bool = True, exclusive: bool = False, suspended: bool = False) -> Recording:
    def program() -> None:
        args = RetentionArgs(
            namespace=NAMESPACE,
            image="mlflow:1.2.3",
            database=replace(database(), exclusive=exclusive),
            artifact_store=artifact_store(),
            teams={"team-a": DAYS},
            multi_tenant=multi_tenant,
            hour=3,
            suspended=suspended,
            ready=[k8s.core.v1.ConfigMap("migrated")],
        )
        Retention("retention", args)

    return deploy(program)


def spec(got: Recording) -> Any:  # noqa: ANN401 - any JSON
    return got["retention-cron-job"].inputs["spec"]


def pod(got: Recording) -> Any:  # noqa: ANN401 - any JSON
    return spec(got)["jobTemplate"]["spec"]["template"]["spec"]


def test_it_runs_every_night_and_never_twice_at_a_time() -> None:
    got = spec(retention())
    assert (got["schedule"], got["timeZone"]) == ("30 3 * * *", "Etc/UTC")
    assert got["concurrencyPolicy"] == "Forbid"
    assert got["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 6 * 3600


def test_it_does_not_run_while_the_server_is_paused() -> None:
    assert spec(retention(suspended=True))["suspend"] is True
    assert "suspend" not in spec(retention())


def test_it_has_the_servers_image_role_and_store_and_the_days_of_each_team() -> None:
    (container,) = pod(retention())["containers"]
    assert container["image"] == "mlflow:1.2.3"
    found = environment(container)
    assert found["MLFLOW_BACKEND_STORE_URI"].startswith("postgresql+psycopg://mlflow@")
    assert found["PGPASSWORD"] == "some-database/password"
    assert found["ARTIFACTS"] == "s3-proxied://artifacts"
    days = {"deleted_days": 30, "trace_days": None, "archive_days": None}
    assert json.loads(found["RETENTION"]) == {"team-a": days}
    assert "SINGLE_WORKSPACE" not in found


def test_without_workspaces_it_looks_at_the_only_one() -> None:
    (container,) = pod(retention(multi_tenant=False))["containers"]
    assert environment(container)["SINGLE_WORKSPACE"] == "default"


def test_it_reaches_database_and_store_alone_and_has_no_ingress() -> None:
    ingress, egress = opened(retention()["retention-network"])
    assert ingress == []
    assert sorted(port["port"] for rule in egress for port in rule["ports"]) == [443, 5432]


def test_it_waits_for_the_migration_and_carries_its_labels() -> None:
    got = retention()
    assert {"migrated", "database-is-up", "store-is-up"} <= got["retention-cron-job"].dependencies
    assert spec(got)["jobTemplate"]["spec"]["template"]["metadata"]["labels"] == LABELS


def test_it_runs_beside_the_server_if_only_one_node_can_mount_the_volume() -> None:
    assert "podAffinity" in pod(retention(exclusive=True))["affinity"]
    assert "affinity" not in pod(retention())


def test_its_script_and_its_stores_are_mounted() -> None:
    files = retention()["retention-script"].inputs["data"]
    assert files == {name: content(name) for name in ("retention.py", "retention_stores.py")}


@pytest.fixture(scope="module")
def script() -> Any:  # noqa: ANN401 - a module that is no part of a package
    return load("retention")


@dataclass
class _World:
    """A workspace's rows and files, and what was asked of them, in order."""

    runs_: dict[str, int] = field(default_factory=dict[str, int])
    """Time of deletion by run; a run that is not in `restored` is deleted."""

    experiments_: dict[str, int] = field(default_factory=dict[str, int])
    models_: dict[str, int] = field(default_factory=dict[str, int])
    traces_: dict[str, int] = field(default_factory=dict[str, int])
    inside: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    used_: set[str] = field(default_factory=set[str])
    restored: set[str] = field(default_factory=set[str])
    failing: set[str] = field(default_factory=set[str])
    with_files: set[str] = field(default_factory=set[str])
    stuck: set[str] = field(default_factory=set[str])
    log: list[str] = field(default_factory=list[str])
    locations: dict[str, str] = field(default_factory=dict[str, str])

    def used(self) -> set[str]:
        return self.used_

    def runs(self, before: int) -> list[dict[str, Any]]:
        return [self._run(name) for name, deleted in self.runs_.items() if deleted <= before]

    def _run(self, name: str) -> dict[str, Any]:
        return {"name": name, "uri": self.locations.get(name, f"mlflow-artifacts:/1/{name}/artifacts"), "ids": {name}}

    def models(self, before: int) -> list[dict[str, Any]]:
        return [
            {"name": name, "uri": f"mlflow-artifacts:/1/models/{name}/artifacts", "ids": {name}}
            for name, deleted in self.models_.items()
            if deleted <= before
        ]

    def experiments(self, before: int) -> list[dict[str, Any]]:
        return [
            {"id": name, "name": f"experiment {name}", "uri": f"mlflow-artifacts:/{name}", "ids": self.inside[name]}
            for name, deleted in self.experiments_.items()
            if deleted <= before
        ]

    def all_experiments(self) -> list[dict[str, Any]]:
        return [{"id": 7, "name": "chat", "uri": "mlflow-artifacts:/7"}]

    def traces(self, _experiment: int, before: int, most: int) -> list[str]:
        return sorted(name for name, begun in self.traces_.items() if begun <= before)[:most]

    def count_traces(self, experiment: int, before: int) -> int:
        return len(self.traces(experiment, before, 10**9))

    def is_deleted(self, run: str) -> bool:
        return run not in self.restored

    def is_deleted_experiment(self, experiment: str) -> bool:
        return experiment not in self.restored

    def delete(self, uri: str) -> None:
        if self.failing & set(uri.split("/")):
            raise OSError(uri)
        self.log.append(f"files {uri}")

    def delete_run(self, run: str) -> None:
        self.log.append(f"run {run}")

    def delete_model(self, model: str) -> None:
        self.log.append(f"model {model}")

    def delete_experiment(self, experiment: str) -> None:
        self.log.append(f"experiment {experiment}")

    def delete_traces(self, _experiment: int, names: list[str]) -> None:
        self.log.append(f"traces {len(names)}")
        for name in names:
            if name not in self.stuck:
                del self.traces_[name]

    def left(self, names: list[str]) -> list[str]:
        return [name for name in names if name in self.traces_]

    def folders(self, _uri: str, _path: str) -> set[str]:
        return self.with_files

    def archive(self, days: int) -> int:
        self.log.append(f"archive {days}")
        return 2

    def uploads(self, begun: datetime) -> list[dict[str, str]]:
        return [{"name": f"begun before {begun:%Y-%m-%d}"}]

    def abort(self, upload: dict[str, str]) -> None:
        self.log.append(f"abort {upload['name']}")


def applied(script: Any, world: _World, *, dry: bool = False, **days: int) -> dict[str, Any]:  # noqa: ANN401 - a module
    """Apply ages to a workspace; returns its report."""
    report = script.Report("team-a", dry=dry)
    keeper = script.Keeper(store=world, registry=world, files=world, now=NOW, report=report)
    keeper.apply({"deleted_days": None, "trace_days": None, "archive_days": None} | days)
    return json.loads(report.line())


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {what: entry["count"] for what, entry in report["done"].items() if what != "abandoned uploads"}


def test_files_go_before_the_row_and_what_is_not_old_enough_stays(script: Any) -> None:  # noqa: ANN401 - a module
    world = _World(runs_={"old": NOW - 30 * DAY, "young": NOW - 30 * DAY + 1}, models_={"m-1": 0})
    report = applied(script, world, deleted_days=30)
    assert world.log[:4] == [
        "files mlflow-artifacts:/1/old/artifacts",
        "run old",
        "files mlflow-artifacts:/1/models/m-1/artifacts",
        "model m-1",
    ]
    assert counts(report) == {"deleted runs": 1, "deleted logged models": 1}


def test_what_a_registered_model_comes_from_is_kept_with_its_experiment(script: Any) -> None:  # noqa: ANN401 - a module
    world = _World(runs_={"registered": 0, "free": 0}, experiments_={"5": 0, "6": 0}, used_={"registered", "m-9"})
    world.inside = {"5": {"registered", "other"}, "6": {"m-1"}}
    report = applied(script, world, deleted_days=1)
    assert [line for line in world.log if not line.startswith(("files", "abort"))] == ["run free", "experiment 6"]
    assert counts(report) == {"deleted runs": 1, "deleted experiments": 1, "kept for a registered model": 2}


def test_a_run_that_was_restored_meanwhile_stays(script: Any) -> None:  # noqa: ANN401 - a module
    world = _World(runs_={"back": 0}, experiments_={"5": 0}, inside={"5": set()}, restored={"back", "5"})
    applied(script, world, deleted_days=1)
    assert not [line for line in world.log if not line.startswith("abort")]


def test_a_folder_that_is_not_the_runs_own_stays(script: Any) -> None:  # noqa: ANN401 - a module
    world = _World(runs_={"r": 0}, locations={"r": "mlflow-artifacts:/1/somebody-else"})
    applied(script, world, deleted_days=1)
    assert [line for line in world.log if not line.startswith("abort")] == ["run r"]


def test_one_that_fails_stops_no_other_and_is_reported_without_its_address(script: Any) -> None:  # noqa: ANN401
    world = _World(runs_={"bad": 0, "good": 0}, failing={"bad"})
    report = applied(script, world, deleted_days=1)
    assert "run good" in world.log
    assert "run bad" not in world.log
    assert report["failed"] == ["deleted runs bad: OSError"]


def test_old_traces_go_in_batches_with_the_files_of_those_that_have_some(script: Any) -> None:  # noqa: ANN401
    old = {f"tr-{number:04}": NOW - 91 * DAY for number in range(script.TRACES_AT_ONCE + 1)}
    world = _World(traces_={**old, "tr-new": NOW}, with_files={"tr-0003", "tr-new"})
    report = applied(script, world, trace_days=90)
    assert world.log[:3] == [
        "files mlflow-artifacts:/7/traces/tr-0003",
        f"traces {script.TRACES_AT_ONCE}",
        "traces 1",
    ]
    assert counts(report) == {"old traces": script.TRACES_AT_ONCE + 1}


def test_a_trace_that_mlflow_leaves_is_reported_and_ends_the_experiment(script: Any) -> None:  # noqa: ANN401
    world = _World(traces_={"tr-1": 0, "tr-2": 0}, stuck={"tr-2"})
    report = applied(script, world, trace_days=90)
    assert world.log[0] == "traces 2"
    assert counts(report) == {"old traces": 1}
    assert report["failed"] == ["trace tr-2: its archived spans cannot be deleted"]


def test_a_dry_run_counts_and_changes_nothing(script: Any) -> None:  # noqa: ANN401 - a module
    old = {f"tr-{number:04}": 0 for number in range(script.TRACES_AT_ONCE + 1)}
    world = _World(runs_={"old": 0}, traces_=old)
    report = applied(script, world, dry=True, deleted_days=1, trace_days=90, archive_days=10)
    assert world.log == []
    assert counts(report) == {"deleted runs": 1, "old traces": script.TRACES_AT_ONCE + 1}


@pytest.mark.parametrize(
    ("days", "done"),
    [
        ({}, []),
        ({"deleted_days": 1}, ["files mlflow-artifacts:/1/old/artifacts", "run old"]),
        ({"trace_days": 1}, ["traces 1"]),
        ({"archive_days": 1}, ["archive 1"]),
    ],
    ids=["none", "deleted", "traces", "archive"],
)
def test_nothing_is_done_without_an_age(script: Any, days: dict[str, int], done: list[str]) -> None:  # noqa: ANN401
    world = _World(runs_={"old": 0}, traces_={"tr": 0})
    applied(script, world, dry=False, **days)
    assert [line for line in world.log if not line.startswith("abort")] == done


def test_uploads_that_were_begun_a_week_ago_are_aborted(script: Any) -> None:  # noqa: ANN401 - a module
    world = _World()
    applied(script, world)
    assert world.log == ["abort begun before 1970-04-04"]
