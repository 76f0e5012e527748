"""The commands `make undelete` and `make prove`, with a cluster that answers from a script."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tools import jobs
from tools.backups.report import proven
from tools.jobs import job_of
from tools.kubectl import ClusterError
from tools.restored.prove import explained, prove
from tools.restored.undelete import ArgumentError, Wish, second, undelete, workspace
from tools.stack import Platform, TeamAccount

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
PLAN = {"backup": "20261128T020000", "bytes": 64 * 2**20, "timeline": 1, "until": "", "no_room": ""}
CRON_JOB: dict[str, Any] = {
    "metadata": {"name": "undelete", "namespace": "mlflow", "uid": "u-1"},
    "spec": {
        "jobTemplate": {
            "metadata": {"labels": {"app.kubernetes.io/name": "undelete"}},
            "spec": {
                "backoffLimit": 0,
                "template": {
                    "spec": {
                        "initContainers": [{"name": "restore", "env": [{"name": "TO", "value": "old"}]}],
                        "containers": [{"name": "undelete"}],
                    }
                },
            },
        }
    },
}


def platform() -> Platform:
    account = TeamAccount(namespace="team-a", service_account="mlflow-client", workspace="team-a")
    return Platform(url="https://x", namespace="mlflow", authority=None, teams={"team-a": account}, users=())


def wish(*, missing: bool = False, yes: str = "") -> Wish:
    return Wish(team="team-a", to=datetime(2026, 11, 28, 10, 15, tzinfo=UTC), missing=missing, yes=yes)


@dataclass(slots=True)
class Cluster:
    """A cluster with one Job, whose containers have said `logs` when it is looked at; it ends after that."""

    logs: dict[str, str] = field(default_factory=dict[str, str])
    ends: str = "Complete"
    refuses: str = ""
    """A command that fails, by a part of it."""

    calls: list[str] = field(default_factory=list[str])
    made: dict[str, Any] = field(default_factory=dict[str, Any])
    waits: bool = False
    """True if the Job does not end until somebody has agreed."""

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Answer as kubectl."""
        call = " ".join(arguments)
        self.calls.append(call)
        if self.refuses and self.refuses in call:
            raise ClusterError(f"refused: {self.refuses}")
        if call.startswith("get cronjob"):
            return json.dumps(CRON_JOB)
        if call.startswith("create"):
            self.made = json.loads(stdin or "")
        if call.startswith("logs"):
            return self.logs[call.rpartition("=")[2]]
        if "touch" in call:
            self.waits = False
            self.logs["undelete"] += "DONE\n"
        if call.startswith("get job"):
            return json.dumps({"status": {} if self.waits else {"conditions": [{"type": self.ends, "status": "True"}]}})
        return json.dumps({"server": "postgres-1", **PLAN}) if call.startswith("exec statefulset") else ""


Answer = Callable[[str], str]


def never(_: str) -> str:
    raise AssertionError("nobody should be asked")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0)


def asked(cluster: Cluster, answer: Answer, *, missing: bool = False, yes: str = "") -> bool | None:
    return undelete(platform(), wish(missing=missing, yes=yes), answer, cluster)


def test_a_second_is_a_time_with_a_zone_in_the_past() -> None:
    assert second("2026-11-28T11:15:00.7+01:00", NOW) == datetime(2026, 11, 28, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "TO is missing"),
        ("yesterday", "is not a time"),
        ("2026-11-28T10:15:00", "has no time zone"),
        ("2026-12-28T10:15:00Z", "is in the future; now it is 2026-11-30T12:00:00Z"),
    ],
)
def test_another_text_is_refused_with_an_example_or_the_time(text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        second(text, NOW)


def test_a_team_that_the_stack_does_not_have_is_refused_with_those_it_has() -> None:
    assert workspace(platform(), "team-a") == "team-a"
    with pytest.raises(ArgumentError, match="no team team-x; its teams are team-a"):
        workspace(platform(), "team-x")
    with pytest.raises(ArgumentError, match="TEAM is missing"):
        workspace(platform(), "")


def test_a_job_has_the_variables_in_every_container_and_belongs_to_its_cron_job() -> None:
    job = job_of(CRON_JOB, "undelete-1", {"TO": "now"})
    pod = job["spec"]["template"]["spec"]
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["env"] == [{"name": "TO", "value": "now"}]
    assert job["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert CRON_JOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"] == [{"name": "undelete"}]


def test_the_team_is_asked_for_after_the_differences_and_then_the_job_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = Cluster(logs={"restore": "restored\n", "undelete": "3 rows differ\nWAITING\n"}, waits=True)
    assert asked(cluster, lambda _: "team-a") is True
    printed = capsys.readouterr().out.splitlines()
    assert printed[-3:] == ["restored", "3 rows differ", "DONE"]
    assert "WAITING" not in printed
    program = "exec statefulset/postgres --container=backup --namespace=mlflow -- python3 /etc/backup/backup.py"
    assert cluster.calls[:2] == [f"{program} flush", f"{program} plan --to=2026-11-28T10:15:00Z"]


@pytest.mark.parametrize("said", ["team-b", "", "yes"])
def test_any_other_answer_deletes_the_job_and_changes_nothing(said: str) -> None:
    cluster = Cluster(logs={"restore": "", "undelete": "WAITING\n"}, waits=True)
    assert asked(cluster, lambda _: said) is None
    assert any(call.startswith("delete job undelete-") for call in cluster.calls)
    assert not any("touch" in call for call in cluster.calls)


def test_an_interrupt_is_no_agreement() -> None:
    def interrupt(_: str) -> str:
        raise KeyboardInterrupt

    cluster = Cluster(logs={"restore": "", "undelete": "WAITING\n"}, waits=True)
    assert asked(cluster, interrupt) is None


@pytest.mark.parametrize(
    ("missing", "yes", "expected"),
    [(False, "team-a", ("whole", "yes")), (True, "team-a", ("missing", "yes")), (False, "team-b", ("whole", ""))],
)
def test_the_job_knows_the_mode_and_whether_somebody_has_agreed_to_this_team(
    *, missing: bool, yes: str, expected: tuple[str, str]
) -> None:
    cluster = Cluster(logs={"restore": "", "undelete": "DONE\n"})
    assert asked(cluster, never, missing=missing, yes=yes) is True
    env = {one["name"]: one["value"] for one in cluster.made["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert (env["MODE"], env["AGREED"]) == expected
    assert (env["TEAM"], env["TO"], env["BACKUP_SERVER"]) == ("team-a", "2026-11-28T10:15:00Z", "postgres-1")


def test_a_time_out_of_range_is_refused_before_a_job_is_made() -> None:
    cluster = Cluster(refuses="plan")
    with pytest.raises(ClusterError, match="refused"):
        asked(cluster, never)
    assert cluster.made == {}


def test_a_job_that_fails_is_a_failure() -> None:
    cluster = Cluster(logs={"restore": "", "undelete": "nothing was changed: because"}, ends="Failed")
    assert asked(cluster, never) is False


@pytest.mark.parametrize("ends", ["Complete", "Failed"])
def test_a_proof_shows_what_it_finds_and_how_it_ends(ends: str, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(logs={"prove": "DIFFERENT: one\nthe end"}, ends=ends)
    assert prove("mlflow", cluster) is (ends == "Complete")
    assert capsys.readouterr().out.splitlines()[1:] == ["DIFFERENT: one", "the end"]


@pytest.mark.parametrize(
    ("proof", "expected"),
    [
        (None, "no backup is proven yet: each night one is, or now with `make prove`"),
        ({"ok": True, "seconds": {"all": 71.4}}, "base backup b1 was proven 9 hours ago, in 71 s"),
        ({"ok": False, "differences": ["one"]}, "NOT PROVEN 9 hours ago: one (docs/proof.md)"),
        ({"ok": False, "differences": ["one", "two"]}, "NOT PROVEN 9 hours ago: one, and 1 more (docs/proof.md)"),
    ],
)
def test_the_list_of_backups_says_what_the_last_proof_has_found(proof: dict[str, Any] | None, expected: str) -> None:
    found = None if proof is None else {"backup": "b1", "time": "2026-11-30T03:00:00+00:00", **proof}
    assert proven(found, NOW.isoformat()) == expected


def test_without_backups_the_remedy_is_said() -> None:
    assert "set backups.enabled" in explained('Error from server (NotFound): cronjobs.batch "prove-backup" not found')
    assert explained("anything else") == "anything else"
