"""Objects that a request names, for the audit log."""

import json
from urllib.parse import urlencode

import pytest
from mlflow_platform_server.named_objects import (
    IDS,
    LARGEST_BODY,
    LONGEST_VALUE,
    MORE,
    MOST_VALUES,
    NAMES,
    OMITTED,
    in_body,
    in_headers,
    in_path,
    in_query,
    merged,
)


def body(document: object) -> dict[str, list[str]]:
    return in_body(json.dumps(document).encode())


def test_ids_and_names_of_a_body_are_found_and_nothing_else() -> None:
    document = {
        "run_id": "r1",
        "experiment_ids": ["1", 2],
        "name": "model",
        "version": 3,
        "description": "secret",
        "tags": [{"key": "token", "value": "secret"}],
        "token": "secret",
    }
    assert body(document) == {"run_id": ["r1"], "experiment_ids": ["1", "2"], "name": ["model"], "version": ["3"]}


def test_ids_are_found_at_any_depth_and_names_at_the_top_only() -> None:
    """An assessment inside of a trace is stored under the ID that it brings along; the name of a span is content."""
    document = {"trace": {"trace_info": {"trace_id": "t", "name": "secret", "assessments": [{"assessment_id": "a"}]}}}
    assert body(document) == {"trace_id": ["t"], "assessment_id": ["a"]}


def test_an_id_with_escaped_letters_in_its_key_or_in_another_encoding_is_found() -> None:
    assert in_body(rb'{"run\u005fid": "r1"}') == {"run_id": ["r1"]}
    assert in_body('{"run_id": "r1"}'.encode("utf-16")) == {"run_id": ["r1"]}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"no json", b"[" * 100_000, b"1" * 10_000, b'"run_id"'])
def test_a_body_that_is_no_document_names_nothing(content: bytes) -> None:
    assert in_body(content) == {}


def test_values_are_bounded_in_length_and_number() -> None:
    found = body({"name": "x" * 1000, "run_ids": [str(number) for number in range(1000)]})
    assert found["name"] == ["x" * LONGEST_VALUE]
    assert found.pop(OMITTED) == [MORE]
    assert sum(map(len, found.values())) == MOST_VALUES


@pytest.mark.parametrize("key", sorted(IDS | NAMES))
def test_no_object_is_buried_below_others(key: str) -> None:
    """MLflow ignores keys that it does not know, so a request may name as many objects as it likes."""
    decoys = {decoy: [f"{decoy}-{number}" for number in range(100)] for decoy in sorted(IDS | NAMES) if decoy != key}
    found = body({**decoys, key: "real"})
    assert found[key] == ["real"]
    assert found[OMITTED] == [MORE]
    in_url = in_query(urlencode(decoys, doseq=True).encode())
    assert merged(body({key: "real"}), in_url)[key] == ["real"]


@pytest.mark.parametrize("query", [b"run_id=r&" * 1001, b"&".join(b"run_id=%d" % number for number in range(100))])
def test_a_query_with_more_than_is_read_is_said_to_have_it(query: bytes) -> None:
    assert in_query(query)[OMITTED] == [MORE]


def test_a_body_with_more_than_is_visited_is_said_to_have_it() -> None:
    assert body([0] * 10_000) == {OMITTED: [MORE]}


def test_what_stands_at_the_top_is_not_displaced_by_what_is_nested() -> None:
    found = body({"inner": [{"run_id": f"decoy-{number}"} for number in range(1000)], "run_id": "real"})
    assert found["run_id"][0] == "real"


def test_a_body_that_is_too_large_to_be_read_is_said_to_be() -> None:
    content = b" " * (LARGEST_BODY + 1)
    assert in_body(content) == {OMITTED: [f"body of {len(content)} bytes"]}


def test_headers_name_objects_too() -> None:
    sent = [(b"X-Mlflow-Experiment-Id", b"1"), (b"x-mlflow-run-id", b"r"), (b"authorization", b"Bearer secret")]
    assert in_headers(sent) == {"experiment_id": ["1"], "run_id": ["r"]}


def test_a_query_names_objects_too() -> None:
    assert in_query(b"run_id=r1&path=a%2Fb&filter=secret&run_id=r2") == {"run_id": ["r1", "r2"], "path": ["a/b"]}


@pytest.mark.parametrize(
    ("route", "path", "found"),
    [
        ("GET /api/{name}/x/{file:path}", "/api/m/x/a/b", {"name": ["m"], "file": ["a/b"]}),
        ("PUT /api/<path:artifact_path>", "/api/1/r/a", {"artifact_path": ["1/r/a"]}),
        ("GET /api/2.0/x", "/api/2.0/x", {}),
        ("GET /api/{name}", "/elsewhere", {}),
        (None, "/api/m", {}),
    ],
)
def test_parameters_of_a_path_are_objects(route: str | None, path: str, found: dict[str, list[str]]) -> None:
    assert in_path(route, path) == found


def test_findings_are_merged_without_repetition() -> None:
    assert merged({"run_id": ["a"]}, {"run_id": ["a", "b"]}, {"name": ["m"]}) == {"run_id": ["a", "b"], "name": ["m"]}
