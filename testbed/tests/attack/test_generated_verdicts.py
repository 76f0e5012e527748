import dataclasses
import json
import runpy
import sys
from types import ModuleType

import pytest

from testbed.e2e.acceptance import differences
from testbed.e2e.attack import table
from testbed.e2e.attack.generated import audit, cases, fields, judge, references, run, scene, state
from testbed.e2e.attack.generated.cases import Case
from testbed.e2e.attack.generated.run import Outcome, Scene, Sent
from testbed.e2e.attack.generated.state import State
from testbed.e2e.attack.table import Request
from testbed.e2e.attack.verdict import Aim, Answer, Caller
from testbed.e2e.attack.world import World

RUN, EXPERIMENT = "0123456789abcdef0123456789abcdef", "7"
VICTIM = {
    "run": RUN,
    "experiment": EXPERIMENT,
    "workspace": "team-b",
    "artifacts": "workspaces/team-b/7/x",
    "model": f"m-{RUN[::-1]}",
    "trace": f"tr-{RUN[::-1]}",
}
TABLE = """
runs:
  GET /api/2.0/mlflow/runs/get: {needs: get experiments, query: {run_id: $run}}
"""
FIELDS = {"GET /api/2.0/mlflow/runs/get": [["message", "run_id", "string"]]}


def answer(status: int, body: str = "", **headers: str) -> Answer:
    named = "\n".join(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())
    return Answer(status=status, text=f"{named}\n\n{body}", body=body)


def case(aim: Aim = Aim.COPIED) -> Case:
    found = cases.generate(table.read(TABLE), fields.read(FIELDS), ("manager",))
    return next(one for one in found if one.aim is aim)


SENT = Request(method="GET", path=f"/api/2.0/mlflow/runs/get?run_id={RUN}")


def test_a_refusal_that_quotes_what_was_asked_for_is_right() -> None:
    assert list(judge.faults(case(), SENT, answer(404, f"Run {RUN} not found"), {RUN, "secret-1"})) == []


def test_another_value_of_the_victim_is_a_leak_wherever_it_stands() -> None:
    for found in (answer(404, "secret-1"), answer(404, location="/secret-1")):
        assert list(judge.faults(case(), SENT, found, {RUN, "secret-1"})) == ["LEAK of secret-1"]


@pytest.mark.parametrize(
    "text", ["(psycopg.errors.UniqueViolation)", "[SQL: SELECT 1]", "Traceback (most recent call last)"]
)
def test_an_error_that_tells_of_the_servers_inside_is_a_fault(text: str) -> None:
    assert list(judge.faults(case(), SENT, answer(500, text), set[str]()))


@pytest.mark.parametrize("aim", [Aim.OTHER, Aim.NONE, Aim.UNKNOWN])
def test_another_workspace_is_refused_and_not_answered_with_nothing(aim: Aim) -> None:
    assert list(judge.faults(case(aim), SENT, answer(200, "{}"), set[str]())) == ["not refused: 200"]
    assert list(judge.faults(case(aim), SENT, answer(403), set[str]())) == []


def test_answers_are_equal_apart_from_the_quoted_ids() -> None:
    nothing = references.absent(RUN)
    here = answer(404, f"Run {RUN} of experiment 7 not found at 1790000000001", X_Request_ID="1", date="now")
    there = answer(
        404,
        f"Run {nothing} of experiment {references.absent('7')} not found at 1790000000002",
        X_Request_ID="2",
        date="x",
    )
    assert judge.difference(here, there, VICTIM) == ""


@pytest.mark.parametrize(
    "twin",
    [
        answer(403, f"Run {references.absent(RUN)} not found"),
        answer(404, f"No run {references.absent(RUN)}"),
        answer(404, f"Run {references.absent(RUN)} not found", X_Hint="yes"),
        answer(404, "Run not found"),
    ],
)
def test_any_other_difference_tells_that_an_object_exists(twin: Answer) -> None:
    assert judge.difference(answer(404, f"Run {RUN} not found"), twin, VICTIM)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("Valid keys are {'name', 'run_id'}", "Valid keys are {'run_id', 'name'}"),
        (r"Valid keys are \'{\'name\', \'run_id\'}\'", r"Valid keys are \'{\'run_id\', \'name\'}\'"),
        ('{"tags": {"k": "v", "a": "b"}}', '{"tags": {"a": "b", "k": "v"}}'),
        (
            '{"tags": [{"key": "k", "value": "v"}, {"key": "a", "value": "b"}]}',
            '{"tags": [{"key": "a", "value": "b"}, {"key": "k", "value": "v"}]}',
        ),
    ],
)
def test_the_order_of_what_has_none_tells_nothing(here: str, there: str) -> None:
    assert judge.difference(answer(400, here), answer(400, there), VICTIM) == ""
    assert judge.difference(answer(400, here), answer(400, there.replace("k", "x").replace("run_id", "id")), VICTIM)


def test_an_id_that_is_missing_for_one_case_only_is_quoted_like_the_victims() -> None:
    twin = answer(404, f"Run {references.absent(RUN, 'case 1')} not found")
    assert judge.difference(answer(404, f"Run {RUN} not found"), twin, VICTIM, use="case 1") == ""
    found = answer(200, f"Run of {'0' * 31}z")
    assert judge.difference(found, answer(200, f"Run of {references.absent(RUN, 'case 1')}"), VICTIM, use="case 1")


def test_an_empty_list_differs_from_no_list() -> None:
    assert judge.difference(answer(200, '{"experiments": []}'), answer(200, "{}"), VICTIM)


CREATION = """
traces:
  POST /api/3.0/mlflow/traces:
    needs: update experiments
    body: {trace: {trace_info: {trace_id: tr-$fresh_hex, location: {experiment_id: $experiment}}}}
  POST /api/3.0/mlflow/traces/<trace_id>/assessments: {needs: update experiments, path: {trace_id: $trace}, body: {}}
  POST /v1/traces: {needs: update experiments, headers: {x-e: $experiment}, content: '{"traceId": "$fresh_hex"}'}
  GET /api/3.0/mlflow/traces/<trace_id>: {needs: get experiments, path: {trace_id: $trace}}
"""
CHOSEN = {
    "POST /api/3.0/mlflow/traces": [
        ["message", "trace.trace_info.trace_id", "string"],
        ["message", "trace.trace_info.location.experiment_id", "string"],
        ["message", "trace.trace_info.assessments[].assessment_id", "string"],
        ["message", "trace.trace_info.assessments[].overrides", "string"],
        ["message", "trace.trace_info.assessments[].trace_id", "string"],
    ],
    "POST /api/3.0/mlflow/traces/<trace_id>/assessments": [
        ["path", "trace_id", "string"],
        ["message", "assessment.assessment_id", "string"],
        ["message", "assessment.trace_id", "string"],
    ],
    "POST /v1/traces": [],
    "GET /api/3.0/mlflow/traces/<trace_id>": [["path", "trace_id", "string"]],
}


def test_only_who_chooses_the_id_of_something_new_may_learn_that_it_is_taken() -> None:
    found = cases.generate(table.read(CREATION), fields.read(CHOSEN), ("manager",))
    excused = [one.change for one in found if judge.is_taken(one, answer(404), answer(200))]
    assert {(one.entry.path.rpartition("/")[2], one.where.partition(" (")[0], one.what) for one in excused} == {
        ("traces", "message trace.trace_info.trace_id", "${victim_trace}"),
        ("traces", "message trace.trace_info.assessments[].assessment_id", "${victim_assessment}"),
        ("traces", "content", "$victim_trace_hex"),
    }
    assert {one.aim for one in found if judge.is_taken(one, answer(404), answer(200))} == {Aim.COPIED}


@pytest.mark.parametrize(("status", "twin"), [(200, 404), (403, 200), (500, 200), (404, 403), (404, 500), (404, 302)])
def test_of_a_taken_id_nothing_but_the_refusal_may_be_seen(status: int, twin: int) -> None:
    found = cases.generate(table.read(CREATION), fields.read(CHOSEN), ("manager",))
    assert not any(judge.is_taken(one, answer(status), answer(twin)) for one in found)


def test_only_objects_below_a_teams_own_folder_are_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ["workspaces/team-b/7/x", "workspaces/team-a/s3:/mlflow/workspaces/team-b/7/x", "workspaces/team-bc/7/x"]

    class Store:
        """Bucket that looks at no prefix."""

        def get_paginator(self, _: str) -> "Store":
            return self

        def paginate(self, **_: str) -> list[object]:
            return [{"Contents": [{"Key": key, "ETag": "1"} for key in keys]}]

    def client(*_: object, **__: object) -> Store:
        return Store()

    fake = ModuleType("boto3")
    monkeypatch.setattr(fake, "client", client, raising=False)
    monkeypatch.setitem(sys.modules, "boto3", fake)
    monkeypatch.setattr(sys, "argv", ["stored.py", "team-b"])
    runpy.run_path(str(scene.SERVER / "stored.py"))
    assert json.loads(capsys.readouterr().out) == {"workspaces/team-b/7/x": "1"}


SCHEMA = state.Schema.read(
    {
        "columns": {
            "experiments": {"experiment_id": "integer", "workspace": "text"},
            "runs": {"run_uuid": "text", "experiment_id": "integer"},
            "tags": {"run_uuid": "text", "key": "text"},
            "inputs": {"input_uuid": "text", "source_id": "text", "destination_id": "text"},
            "alembic_version": {"version_num": "text"},
        },
        "keys": [
            ["tags", "runs", ["run_uuid"], ["run_uuid"]],
            ["runs", "experiments", ["experiment_id"], ["experiment_id"]],
        ],
    }
)


def test_the_rows_of_a_team_are_those_with_a_way_to_its_workspace() -> None:
    found = state.conditions(SCHEMA, "team-b")
    assert found["experiments"] == "workspace = 'team-b'"
    assert found["runs"] == "(experiment_id) IN (SELECT experiment_id FROM experiments WHERE workspace = 'team-b')"
    assert found["tags"] == f"(run_uuid) IN (SELECT run_uuid FROM runs WHERE {found['runs']})"  # noqa: S608 - the expected text
    assert "destination_id::text IN (SELECT experiment_id::text FROM experiments" in found["inputs"]
    assert "alembic_version" not in found
    assert state.statement(SCHEMA, "team-b").count("UNION ALL") == len(found) - 1


def test_a_changed_row_or_object_is_an_effect() -> None:
    before = State(rows=state.read_rows("runs|2 abc\ntags|0 "), objects={"a": "1", "b": "2"})
    assert before.changes(before) == []
    later = State(rows={"runs": "3 def", "tags": "0"}, objects={"a": "1", "c": "2"})
    assert [one.split(":")[0] for one in before.changes(later)] == ["table runs", "object b", "object c"]


def sent(**changes: object) -> Sent:
    one = Sent(caller="manager", request_id="r1", method="POST", path="/x", status=200, reads=False)
    return dataclasses.replace(one, **changes)  # pyright: ignore[reportArgumentType] - fields of it


def line(**changes: object) -> str:
    known = {"log": "audit", "time": "2026-01-01T00:00:00Z", "pod": "uid-1", "request": "r1", "user": "alice"}
    return json.dumps({**known, "status": 200, **changes})


def test_the_audit_log_is_what_the_servers_pods_have_written() -> None:
    written = [line(), line(pod="uid-2", request="r2"), line(pod="uid-3", request="forged")]
    log = "\n".join(["INFO: started", *written, "{broken", '{"log": "other"}'])
    assert set(audit.read(log, ["uid-1", "uid-2"])) == {"r1", "r2"}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([line()], ""),
        ([], "not in the audit log"),
        ([line(user="bob")], "ascribed to bob"),
        ([line(status=403)], "recorded with status 403"),
    ],
)
def test_every_change_is_ascribed_to_who_sent_it(lines: list[str], reason: str) -> None:
    gaps = audit.gaps([sent()], audit.read("\n".join(lines), ["uid-1"]), {"manager": "alice"})
    assert [gap.partition(": ")[2] for gap in gaps] == ([reason] if reason else [])


def test_a_refused_reading_is_recorded_and_a_successful_one_need_not_be() -> None:
    assert audit.gaps([sent(reads=True)], {}, {"manager": "alice"}) == []
    assert audit.gaps([sent(reads=True, status=403)], {}, {"manager": "alice"})
    assert audit.gaps([sent(request_id="", status=403)], {}, {"manager": "alice"}) == [
        "POST /x of manager, 403: no X-Request-ID"
    ]
    assert audit.gaps([sent(request_id="", status=401)], {}, {"manager": "alice"}) == [], "the login has refused it"


class Server:
    """Answers everything with 404, or with a secret to whoever names the victim's run."""

    def __init__(self, secret: str = "", requests: list[Request] | None = None) -> None:
        self.secret = secret
        self.requests = [] if requests is None else requests

    def send(self, request: Request, *, token: str = "", workspace: str = "") -> Answer:
        """Answer."""
        assert token
        self.requests.append(request)
        if self.secret and RUN in request.path and workspace == "team-a":
            return answer(200, self.secret, X_Request_ID="r")
        return answer(404, "not found", X_Request_ID="r")

    def close(self) -> None:
        """Nothing is open."""


def attack(secret: str) -> Outcome:
    caller = Caller(name="manager", token="t", workspace="team-a", rights=frozenset())  # noqa: S106 - nobody's
    own = World(workspace="team-a", values={"run": "a" * 32}, secrets=frozenset())
    victim = World(workspace="team-b", values=VICTIM, secrets=frozenset({"secret-1"}))
    found = Scene(
        connect=lambda: Server(secret),
        callers={"manager": caller},
        worlds={"manager": own},
        homes={},
        victim=victim,
    )
    return run.attack(found, every_case())


def test_a_run_against_a_server_that_refuses_finds_nothing() -> None:
    outcome = attack("")
    assert outcome.faults == []
    assert outcome.cases
    assert len(outcome.sent) == 2 * outcome.cases, "each case has a twin"


def test_a_run_against_a_server_that_tells_finds_the_leak_and_how_to_repeat_it() -> None:
    faults = attack("secret-1").faults
    assert {fault.what.partition(" ")[0] for fault in faults} == {"LEAK", "twins"}
    assert all(RUN in fault.request and fault.case.startswith("case ") for fault in faults)


def every_case() -> list[Case]:
    return cases.generate(table.read(TABLE), fields.read(FIELDS), ("manager",))


def test_a_difference_that_does_not_come_back_with_new_objects_is_no_fault() -> None:
    faults = attack("hello").faults
    sent_again: list[str] = []

    def repeat(one: Case) -> Outcome:
        sent_again.append(str(one))
        return Outcome()

    assert faults
    assert all(map(differences.compares, faults))
    assert differences.confirmed(faults, every_case(), repeat) == []
    assert set(sent_again) == {fault.case for fault in faults}


def test_a_difference_that_comes_back_and_every_leak_stay_faults() -> None:
    faults = attack("secret-1").faults
    leaks = [fault for fault in faults if not differences.compares(fault)]
    (back,) = attack("hello").faults[:1]
    assert leaks
    confirmed = differences.confirmed(
        faults, every_case(), lambda one: Outcome(faults=[back] if str(one) == back.case else [])
    )
    assert confirmed == [*leaks, back]


def test_more_differences_than_earlier_cases_explain_all_stay_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "MOST_REPEATED", 0)
    faults = attack("hello").faults
    assert differences.confirmed(faults, every_case(), lambda _: Outcome()) == faults


AGAIN = """
traces:
  POST /api/3.0/mlflow/traces:
    needs: update experiments
    again: {trace: tr-$fresh_hex}
    body: {trace: {trace_info: {trace_id: $trace}}}
"""


def test_a_request_that_is_sent_again_changes_an_object_of_its_own() -> None:
    routes = {"POST /api/3.0/mlflow/traces": [["message", "trace.trace_info.assessments[].assessment_id", "string"]]}
    found = cases.generate(table.read(AGAIN), fields.read(routes), ("manager",))
    caller = Caller(name="manager", token="t", workspace="team-a", rights=frozenset())  # noqa: S106 - nobody's
    own = World(workspace="team-a", values={"trace": "tr-shared"}, secrets=frozenset())
    victim = World(workspace="team-b", values={**VICTIM, "assessment": f"a-{RUN}"}, secrets=frozenset())
    sent = list[Request]()
    here = Scene(
        connect=lambda: Server(requests=sent),
        callers={"manager": caller},
        worlds={"manager": own},
        homes={},
        victim=victim,
    )
    run.attack(here, found[:1])
    infos = [json.loads(request.body)["trace"]["trace_info"] for request in sent]
    assert [sorted(info) for info in infos] == [["trace_id"], ["assessments", "trace_id"]] * 2, "and of its twin"
    first, second, third, fourth = (info["trace_id"] for info in infos)
    assert first == second != third == fourth
    assert "tr-shared" not in (first, third)
