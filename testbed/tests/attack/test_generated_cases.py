import json

import pytest

from testbed.e2e.attack import table
from testbed.e2e.attack.generated import cases, fields, places, references
from testbed.e2e.attack.generated.cases import Case
from testbed.e2e.attack.generated.fields import Field, Kind
from testbed.e2e.attack.generated.places import Mode
from testbed.e2e.attack.verdict import Aim

TABLE = """
runs:
  POST /api/2.0/mlflow/runs/set-tag: {needs: update experiments, body: {run_id: $run, key: k, value: v}}
  GET /api/2.0/mlflow/runs/get: {needs: get experiments, query: {run_id: $run}}
traces:
  POST /api/3.0/mlflow/traces: {needs: update experiments, body: {trace: {info: {trace_id: tr-$fresh_hex}}}}
"""
FIELDS = {
    "POST /api/2.0/mlflow/runs/set-tag": [
        ["message", "run_id", "string"],
        ["message", "key", "string"],
        ["message", "value", "string"],
    ],
    "GET /api/2.0/mlflow/runs/get": [["message", "run_id", "string"], ["message", "run_uuid", "string"]],
    "GET /ajax-api/2.0/mlflow/runs/get": [["message", "run_id", "string"]],
    "POST /api/3.0/mlflow/traces": [
        ["message", "trace.info.trace_id", "string"],
        ["message", "trace.info.assessments[].assessment_id", "string"],
        ["message", "trace.info.state", "enum"],
    ],
}
OWN = {"run": "a" * 32, "experiment": "1", "workspace": "team-a"}
VICTIM = {
    **{name: f"{number:032x}" for number, name in enumerate(("run", "model", "trace", "assessment"), 7)},
    "experiment": "2",
    "workspace": "team-b",
    "artifacts": "workspaces/team-b/2/x",
    "prompt": "name-0123abcd-p",
}


def every() -> list[Case]:
    return cases.generate(table.read(TABLE), fields.read(FIELDS), ("manager", "stranger"))


def of(path: str, type_: str = "string", place: str = "message") -> Field:
    return Field(place=place, path=path, type=type_)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("run_id", Kind.ID),
        ("trace.trace_info.assessments[].assessment_id", Kind.ID),
        ("experimentIds[]", Kind.ID),
        ("run_uuid", Kind.ID),
        ("name", Kind.NAME),
        ("new_name", Kind.NAME),
        ("artifact_location", Kind.LOCATION),
        ("filter_string1", Kind.FILTER),
        ("order_by[]", Kind.ORDER),
        ("pageToken", Kind.TOKEN),
        ("model_json", Kind.DOCUMENT),
        ("tags[].value", Kind.TAG),
        ("trace_metadata{}", Kind.TAG),
        ("trace_metadata{key}", None),
        ("description", None),
        ("span_id", None),
        ("run_link", Kind.LOCATION),
        ("config.scorers[]", Kind.NAME),
    ],
)
def test_a_field_is_attacked_by_what_its_name_says(path: str, kind: Kind | None) -> None:
    assert fields.kind(of(path)) is kind


def test_a_number_refers_to_nothing() -> None:
    assert fields.kind(of("run_id", "integer")) is None


def test_a_value_goes_where_the_field_is_at_any_depth() -> None:
    parts = {"body": {"trace": {"info": {"state": "OK"}}}}
    put = places.put(parts, of("trace.info.assessments[].assessment_id"), "x")
    assert put is not None
    info = put["body"]["trace"]["info"]
    assert info["state"] == "OK"
    assert info["assessments"][0]["assessment_id"] == "x"
    assert info["assessments"][0]["feedback"], "the server reads only a whole one"
    assert parts == {"body": {"trace": {"info": {"state": "OK"}}}}, "the request itself is as it was"


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        (Mode.INSTEAD, {"run_ids": ["x"], "n": 1}),
        (Mode.SECOND, {"run_ids": ["a", "x"], "n": 1}),
        (Mode.CAMEL, {"run_ids": ["a"], "runIds": ["x"], "n": 1}),
    ],
)
def test_a_value_stands_in_place_of_ones_own_or_beside_it(mode: Mode, body: object) -> None:
    put = places.put({"body": {"run_ids": ["a"], "n": 1}}, of("run_ids[]"), "x", mode)
    assert put == {"body": body}


def test_a_value_is_put_into_the_other_part_of_the_request_too() -> None:
    assert places.put({"body": {"run_id": "a"}}, of("run_id"), "x", Mode.BESIDE) == {
        "body": {"run_id": "a"},
        "query": {"run_id": "x"},
    }
    assert places.put({"query": {"run_id": "a"}}, of("run_id"), "x", Mode.BESIDE) == {
        "query": {"run_id": "a"},
        "body": {"run_id": "x"},
    }
    assert places.put({"path": {"run_id": "a"}}, of("run_id", place="path"), "x", Mode.CAMEL) is None


def test_a_value_of_a_map_gets_the_key_that_is_followed() -> None:
    put = places.put({"body": {}}, of("info.tags{}"), "x", key="mlflow.parentRunId")
    assert put == {"body": {"info": {"tags": {"mlflow.parentRunId": "x"}}}}


def test_the_second_element_of_a_list_of_messages_is_a_whole_one() -> None:
    parts = {"body": {"models": [{"model_id": "a", "step": 1}]}}
    put = places.put(parts, of("models[].model_id"), "x", Mode.SECOND)
    assert put == {"body": {"models": [{"model_id": "a", "step": 1}, {"model_id": "x", "step": 1}]}}


def test_the_cases_are_the_same_each_time() -> None:
    first, second = every(), every()
    assert first == second
    assert [case.number for case in first] == list(range(len(first)))


def test_a_sample_holds_every_route_and_depends_on_the_seed() -> None:
    found = every()
    some = cases.sample(found, 1, 20)
    assert len(some) == 20
    assert some == cases.sample(found, 1, 20)
    assert some != cases.sample(found, 2, 20)
    assert {case.change.entry.path for case in some} == {case.change.entry.path for case in found}
    assert [case.number for case in some] == sorted(case.number for case in some)
    assert cases.sample(found, 1, None) == found


def test_a_field_that_no_request_sets_is_attacked_too() -> None:
    wheres = {case.change.where for case in every()}
    assert "message run_uuid (instead)" in wheres
    assert "message trace.info.assessments[].assessment_id (second)" in wheres


def test_each_field_is_sent_to_every_workspace_and_in_every_form() -> None:
    found = [case for case in every() if case.change.entry.path.endswith("runs/get")]
    assert {case.aim for case in found} == set(Aim) - {Aim.OWN}
    assert {case.pages for case in found} == {False, True}


def test_a_request_names_the_victims_object_and_its_twin_one_that_does_not_exist() -> None:
    case = next(case for case in every() if case.change.where == "message run_id (instead)")
    own = {**OWN, "fresh": "f", "fresh_hex": "0"}
    sent, twin = (case.request(references.values(own, VICTIM, twin=twin)) for twin in (False, True))
    assert json.loads(sent.body)["run_id"] == VICTIM["run"]
    nothing = json.loads(twin.body)["run_id"]
    assert nothing not in (VICTIM["run"], OWN["run"])
    assert len(nothing) == len(VICTIM["run"])
    assert twin.path == sent.path


def test_a_tag_is_attacked_under_the_names_that_the_server_follows() -> None:
    found = [case for case in every() if case.change.what.startswith("mlflow.artifactLocation")]
    assert found
    body = found[0].change.entry.parts["body"]
    assert body == {"run_id": "$run", "key": "mlflow.artifactLocation", "value": "mlflow-artifacts:/$victim_artifacts"}


def test_a_field_of_text_without_a_kind_has_to_be_judged_once() -> None:
    routes = {"GET /x": [of("run_id"), of("note"), of("size", "integer"), of("labels{key}")]}
    assert fields.unjudged(routes, {"note", "labels{key}"}) == []
    assert fields.unjudged(routes, {"labels{key}", "gone"}) == [
        "not judged: note, for example of GET /x",
        "no such field: gone",
    ]


def test_no_field_is_both_attacked_and_said_to_name_nothing() -> None:
    names = fields.nameless()
    # A field of this name is attacked or not by its path or type.
    assert {name for name in names if "{" not in name and fields.kind(of(name))} == set()


def test_each_attempt_of_a_case_asks_for_ids_that_no_other_has_made() -> None:
    one, other = (
        case
        for case in every()
        if case.change.where == "message run_id (instead)"
        and case.change.what == "${victim_run}"
        and case.aim is Aim.COPIED
        and case.change.entry.path.endswith("runs/get")
    )
    uses = [one.use(0), one.use(1), other.use(0)]
    values = [references.values(OWN, VICTIM, twin=True, use=use) for use in uses]
    assert len({value["victim_run"] for value in values}) == len(uses)
    assert {len(value["victim_run"]) for value in values} == {len(VICTIM["run"])}
    assert len({value["victim_prompt"] for value in values}) == 1, "a name is free in both workspaces, or taken in both"
    assert values[0] == references.values(OWN, VICTIM, twin=True, use=one.use(0)), "the same each time"


@pytest.mark.parametrize("what", [" ${victim_run} ", "${victim_run}%00", "${victim_model}"])
def test_what_is_free_under_the_victims_id_too_is_asked_for_by_all_cases(what: str) -> None:
    found = [case for case in every() if case.change.where == "message run_id (instead)" and case.change.what == what]
    assert found
    assert {case.use(0) for case in found} == {""}


@pytest.mark.parametrize(
    "value",
    ["tr-0123456789abcdef0123456789abcdef", "m-0123456789abcdef", "name-0123abcd-experiment", "123", "4"],
)
def test_what_does_not_exist_has_the_shape_of_what_does(value: str) -> None:
    nothing = references.absent(value)
    assert nothing != value
    assert nothing == references.absent(value)
    assert value.isdigit() == nothing.isdigit()
    if not value.isdigit():
        assert len(nothing) == len(value)
        assert nothing.partition("-")[0] == value.partition("-")[0]
