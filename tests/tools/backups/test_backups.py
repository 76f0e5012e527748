"""The command for backups, without a cluster."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.program.stacks import run
from tools.backups import __main__ as command
from tools.backups import cluster, report
from tools.backups.cluster import restore_pod
from tools.kubectl import ClusterError

LISTING: report.Listing = {
    "server": "postgres-2",
    "servers": ["postgres-1", "postgres-2"],
    "now": "2026-11-28T10:20:00+00:00",
    "backups": [
        {"name": "20261128T020000", "end": "2026-11-28T02:00:20.5+00:00", "seconds": 20, "bytes": 3 << 30, "stored": 5}
    ],
    "ranges": [{"since": "2026-11-28T02:00:20.5+00:00", "until": "2026-11-28T10:19:58.9+00:00", "backups": []}],
    "log": {"stored": 1 << 20, "sent": "2026-11-28T10:19:30+00:00", "until": "2026-11-28T10:19:58.9+00:00"},
    "waiting": 0,
    "kept": {"pgdata.before-20261127T101500Z": 1 << 21},
}
PLAN = {"backup": "20261128T020000", "timeline": 1, "bytes": 1, "until": "2026-11-28T10:19:58+00:00", "no_room": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-28T10:15:00Z", "2026-11-28T10:15:00+00:00"),
        ("2026-11-28T11:15:00+01:00", "2026-11-28T10:15:00+00:00"),
        ("latest", "latest"),
    ],
)
def test_a_time_has_a_zone_and_becomes_utc(text: str, expected: str) -> None:
    assert command.time_of(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-28T10:15:00"])
def test_any_other_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="expected one like TO=2026-11-28T10:15:00Z"):
        command.time_of(text)


def test_the_listing_names_the_times_within_the_range_and_what_is_kept() -> None:
    lines = report.as_text(LISTING).splitlines()
    assert lines[1].split() == ["20261128T020000", "2026-11-28T02:00:20Z", "20", "3", "GiB", "5", "B"]
    assert "any second can be restored from 2026-11-28T02:00:21Z to 2026-11-28T10:19:58Z" in lines
    assert any("last file sent 30 seconds ago, 0 files wait" in line for line in lines)
    assert any("`make restore DROP=pgdata.before-20261127T101500Z`" in line for line in lines)
    assert any("other database clusters in the bucket: postgres-1" in line for line in lines)


def deployed(**backups: object) -> cluster.Object:
    """PostgreSQL's StatefulSet as the program makes it."""
    return run("dev", backups=backups)["postgres-server"].inputs


def test_the_pod_of_a_restore_is_postgresqls_sidecar_on_postgresqls_volume() -> None:
    pod = restore_pod(deployed(enabled=True), ["--backup", "b1"])
    (container,) = pod["spec"]["containers"]
    (sidecar,) = [
        one for one in deployed(enabled=True)["spec"]["template"]["spec"]["containers"] if one["name"] == "backup"
    ]
    for field in ("image", "env", "volumeMounts", "securityContext", "resources"):
        assert container[field] == sidecar[field]
    assert container["command"] == ["python3", "/etc/backup/backup.py", "restore", "--backup", "b1"]
    assert [one for one in container if one.endswith("Probe")] == []
    assert pod["spec"]["restartPolicy"] == "Never"
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "data-postgres-0"}} in pod["spec"]["volumes"]
    # Not PostgreSQL's own label, with which its Service and its NetworkPolicy select pods.
    assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "postgres-restore"


def test_a_stack_without_backups_is_told_how_to_have_them() -> None:
    with pytest.raises(ClusterError, match=r"set backups\.enabled to true"):
        restore_pod(deployed(enabled=False), [])


class Kubernetes:
    """Notes what a restore does; the pod of the restore may fail."""

    def __init__(self, *, failing: bool = False) -> None:
        self.done: list[str] = []
        self.failing = failing

    def sidecar(self, _: str, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
        """Answer as the sidecar does."""
        self.done.append(arguments[0])
        return {"plan": PLAN, "server": {"server": "postgres-2"}, "flush": {"until": "2026-11-28T10:20:01.5+00:00"}}[
            arguments[0]
        ]

    def scale(self, _: str, workload: str, number: int, __: str) -> None:
        """Note a number of pods."""
        self.done.append(f"{workload} {number}")

    def replicas(self, _: str, __: str) -> int:
        """The server has two."""
        return 2

    def restore_pod(self, _: cluster.Object, arguments: list[str]) -> cluster.Object:
        """The pod for the stack with backups."""
        return restore_pod(deployed(enabled=True), arguments)

    def kubectl(self, *_: str) -> str:
        """PostgreSQL's StatefulSet is that of the program."""
        return "{}"

    def run_restore(self, _: str, pod: cluster.Object) -> report.Listing:
        """Note the command of the restore."""
        self.done.append(" ".join(pod["spec"]["containers"][0]["command"][2:]))
        if self.failing:
            raise ClusterError("the restore has failed, and the data are as before")
        return {"kept": "pgdata.before-20261128T102005Z"}


Setting = Callable[[Kubernetes], None]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Setting:
    def function(kubernetes: Kubernetes) -> None:
        for name in ("scale", "run_restore", "replicas", "restore_pod"):
            monkeypatch.setattr(cluster, name, getattr(kubernetes, name))
        for name in ("sidecar", "kubectl"):
            monkeypatch.setattr(command, name, getattr(kubernetes, name))
        monkeypatch.setenv("YES", "dev")

    return function


def test_a_restore_stops_everything_sends_what_is_committed_and_starts_everything_again(
    put: Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    kubernetes = Kubernetes()
    put(kubernetes)
    assert command.restore("mlflow", "dev", "2026-11-28T10:15:00Z", "") == 0
    assert kubernetes.done == [
        *("flush", "plan", "server", "deployment/mlflow 0", "flush", "statefulset/postgres 0"),
        "restore --server postgres-2 --backup 20261128T020000 --timeline 1 --time 2026-11-28T10:15:00+00:00",
        *("statefulset/postgres 1", "deployment/mlflow 2"),
    ]
    said = capsys.readouterr()
    assert "Artifacts stay as they are" in said.err
    assert "make restore STACK=dev TO=2026-11-28T10:20:01Z" in said.out
    assert "make restore STACK=dev DROP=pgdata.before-20261128T102005Z" in said.out


def test_after_a_restore_that_failed_everything_is_started_again(put: Setting) -> None:
    kubernetes = Kubernetes(failing=True)
    put(kubernetes)
    with pytest.raises(ClusterError, match="the data are as before"):
        command.restore("mlflow", "dev", "latest", "")
    assert kubernetes.done[-2:] == ["statefulset/postgres 1", "deployment/mlflow 2"]


def test_without_the_name_of_the_stack_nothing_is_changed(
    put: Setting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubernetes = Kubernetes()
    put(kubernetes)
    monkeypatch.setenv("YES", "prod")
    monkeypatch.setattr("sys.stdin.readline", lambda: "no\n", raising=False)
    assert command.restore("mlflow", "dev", "latest", "") == 1
    assert kubernetes.done == ["flush", "plan"]
    assert "nothing was changed" in capsys.readouterr().err
