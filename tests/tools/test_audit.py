"""The audit log as `make audit` shows it, with a fake kubectl that knows three pods."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from mlflow_platform_server.asgi import Message
from mlflow_platform_server.audit import line, record
from mlflow_platform_server.scope import Caller, RequestFacts

from tools.audit import __main__ as command
from tools.audit.records import chosen, records, since
from tools.audit.table import RED, as_text
from tools.stack import Platform, TeamAccount

POD = "uid"
NOON = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
ACCOUNT = TeamAccount(namespace="team-a", service_account="mlflow-client", workspace="team-a")
PLATFORM = Platform(url="https://x", namespace="mlflow", authority=None, teams={"team-a": ACCOUNT}, users=())


def written(
    request: str = "1",
    *,
    minute: int = 0,
    workspace: str | None = "team-a",
    asked: str = "",
    user: str = "a@b.c",
    status: int = 200,
    pod: str = POD,
) -> str:
    """A line as the server writes it."""
    headers = [(b"x-mlflow-workspace", asked.encode())] if asked else []
    scope: Message = {"method": "POST", "path": "/x", "headers": headers}
    found = RequestFacts(
        id=request, route="POST /x", caller=Caller(user=user), workspace=workspace, objects={"run_id": ["r1", "r2"]}
    )
    begun = NOON.replace(minute=minute)
    return line(record(scope, found, status, caller=found.caller, pod=pod, begun=begun, milliseconds=1)).decode()


def test_records_are_read_out_of_everything_else_that_a_server_prints() -> None:
    log = (
        'INFO: 127.0.0.1 "POST /x" 200\n'
        + written("1")
        + '{"log": "other"}\n{"log": "audit"\n{"log": "audit", "time": 1, "request": "x"}\n\n'
        + "half a line of another worker"
        + written("2")
    )
    assert [one.request for one in records(log, POD)] == ["1", "2"]


def test_a_text_that_looks_like_a_record_is_none() -> None:
    """Names that clients choose get into the log by messages of errors; the UID of the pod is unknown to clients."""
    forged = written("forged", pod="guessed")
    assert [one.request for one in records(f"Error: no run named x\n{forged}" + written("real"), POD)] == ["real"]


def test_a_teams_records_are_those_for_its_workspace_admitted_or_not() -> None:
    log = (
        written("own")
        + written("other", workspace="team-b")
        + written("refused", workspace=None, asked="team-a")
        + written("none", workspace=None)
    )
    found = list(records(log, POD))
    assert [one.request for one in chosen(found, team="team-a", begin=None)] == ["own", "refused"]
    assert len(chosen(found, team="", begin=None)) == 4


def test_records_of_several_replicas_are_in_order_of_time_and_each_is_there_once() -> None:
    found = [
        *records(written("late", minute=5) + written("early", minute=1), POD),
        *records(written("early", minute=1), POD),
    ]
    assert [one.request for one in chosen(found, team="", begin=None)] == ["early", "late"]
    assert [one.request for one in chosen(found, team="", begin=NOON.replace(minute=2))] == ["late"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOON.replace(hour=11, minute=58, second=30)),
        ("30m", NOON.replace(hour=11, minute=30)),
        ("6h", NOON.replace(hour=6)),
        ("2d", NOON.replace(day=27)),
        ("2026-11-29T10:00:00Z", NOON.replace(hour=10)),
        ("2026-11-29T11:00:00+01:00", NOON.replace(hour=10)),
    ],
)
def test_a_period_or_a_time_may_be_given(text: str, moment: datetime) -> None:
    assert since(text, NOON) == moment


@pytest.mark.parametrize("text", ["yesterday", "6", "-6h", "2026-11-29", "2026-11-29T10:00:00", "h"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="2026-11-29T10:00:00Z"):
        since(text, NOON)


def test_the_table_shows_who_where_and_what() -> None:
    (found,) = records(written(), POD)
    heading, row = as_text([found]).splitlines()
    assert heading.split()[:4] == ["time", "user", "workspace", "status"]
    for part in ("2026-11-29T12:00:00.000Z", "a@b.c", "team-a", "200", "POST /x", "run_id=r1,r2"):
        assert part in row


def test_refused_requests_are_red_where_colours_are_shown() -> None:
    found = list(records(written("1") + written("2", status=403), POD))
    assert RED not in as_text(found)
    assert [RED in one for one in as_text(found, coloured=True).splitlines()] == [False, False, True]


def test_no_name_can_change_the_terminal_or_the_table() -> None:
    found = list(records(written(user="a\x1b[2J\nb\u202e"), POD))
    shown = as_text(found)
    assert len(shown.splitlines()) == 2
    assert all(one.isprintable() for one in shown.replace("\n", ""))


def _pod(name: str, *, restarts: int = 0, waiting: bool = False) -> dict[str, Any]:
    state: dict[str, Any] = {"waiting": {}} if waiting else {"running": {}}
    statuses = [{"name": "mlflow", "restartCount": restarts, "state": state}]
    return {"metadata": {"name": name, "uid": POD}, "status": {"containerStatuses": statuses}}


class Kubectl:
    """A fake kubectl that knows pods and their logs."""

    def __init__(self, pods: list[dict[str, Any]], logs: dict[tuple[str, bool], str]) -> None:
        """`logs` has the text for each pair of a pod's name and True for the previous container."""
        self.pods = pods
        self.logs = logs
        self.calls: list[list[str]] = []

    def __call__(self, arguments: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        self.calls.append(arguments)
        if arguments[1] == "get":
            return subprocess.CompletedProcess(arguments, 0, json.dumps({"items": self.pods}), "")
        log = self.logs.get((arguments[2], "--previous" in arguments))
        return subprocess.CompletedProcess(arguments, log is None, log or "", "" if log else "not found\n")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with this kubectl."""

    def run(kubectl: Kubectl, *arguments: str) -> int:
        monkeypatch.setattr(subprocess, "run", kubectl)
        return command.main(arguments)

    monkeypatch.setattr(command, "read_platform", lambda: PLATFORM)
    return run


def test_all_replicas_and_previous_containers_are_read(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl = Kubectl(
        [_pod("first", restarts=2), _pod("second"), _pod("starting", waiting=True)],
        {("first", True): written("1"), ("first", False): written("2"), ("second", False): written("3")},
    )
    assert run(kubectl, "--json") == 0
    printed = [json.loads(one)["request"] for one in capsys.readouterr().out.splitlines()]
    assert printed == ["1", "2", "3"]
    assert all("--container=mlflow" in call for call in kubectl.calls[1:])


def test_the_log_of_a_previous_container_may_be_gone(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Kubectl([_pod("first", restarts=1)], {("first", False): written("2")})) == 0
    said = capsys.readouterr()
    assert "a@b.c" in said.out
    assert "pod first: no log of the previous container" in said.err


def test_logs_that_cannot_be_read_are_a_failure(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Kubectl([_pod("first")], {})) == 1
    assert "not found" in capsys.readouterr().err


def test_a_wrong_period_is_said_before_anything_is_read(run: Callable[..., int]) -> None:
    kubectl = Kubectl([], {})
    assert run(kubectl, "--since", "yesterday") == 2
    assert not kubectl.calls


def test_a_removed_team_can_be_looked_up(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    kubectl = Kubectl([_pod("first")], {("first", False): written(workspace="gone")})
    assert run(kubectl, "--team", "gone", "--since", "2020-01-01T00:00:00Z") == 0
    said = capsys.readouterr()
    assert "gone" in said.out
    assert "no team gone" in said.err
    assert "--since-time=2020-01-01T00:00:00+00:00" in kubectl.calls[1]


def test_no_records_are_said_to_be_none(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Kubectl([], {})) == 0
    assert "no requests" in capsys.readouterr().out
    assert run(Kubectl([], {}), "--json") == 0
    assert capsys.readouterr().out == ""
