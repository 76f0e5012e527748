import pytest
from mlflow_platform_server import routes

from testbed.e2e.attack import table

TABLE = """
runs:
  GET /api/2.0/mlflow/runs/get: {needs: get experiments, query: {run_id: $run}}
  POST /graphql:
    requests:
      - {needs: get experiments, body: {query: a}}
      - {needs: [list experiments, list datasets], body: {query: b}, answers: 400, copied: 200}
  PUT /x/<path:file>/<key>: {needs: anyone, path: {file: "a b/$run", key: "c/d"}, content: $run}
"""
ROUTES = {
    "GET /api/2.0/mlflow/runs/get",
    "GET /ajax-api/2.0/mlflow/runs/get",
    "POST /graphql",
    "PUT /x/<path:file>/<key>",
}


def entries() -> list[table.Entry]:
    return table.read(TABLE)


def test_a_table_that_covers_the_routes_has_no_gaps() -> None:
    assert table.gaps(entries(), ROUTES) == []


def test_a_new_route_shows_up_as_untested() -> None:
    assert table.gaps(entries(), {*ROUTES, "GET /new"}) == ["untested route: GET /new"]


def test_a_new_form_of_a_known_route_is_tested_too() -> None:
    new = "POST /ajax-api/2.0/mlflow/runs/get"
    assert table.gaps(entries(), {*ROUTES, new}) == [f"untested route: {new}"]
    found = [route for route, _ in table.forms(entries()[0], ROUTES)]
    assert found == ["GET /api/2.0/mlflow/runs/get", "GET /ajax-api/2.0/mlflow/runs/get"]


def test_an_entry_whose_route_is_gone_shows_up() -> None:
    assert table.gaps(entries(), ROUTES - {"POST /graphql"}) == ["no such route: POST /graphql"] * 2


def test_a_request_is_filled_with_the_objects_of_a_workspace() -> None:
    get, _, _, put = entries()
    assert get.request({"run": "r1"}).path == "/api/2.0/mlflow/runs/get?run_id=r1"
    assert get.request({"run": "r1"}, pages=True).path == "/ajax-api/2.0/mlflow/runs/get?run_id=r1"
    sent = put.request({"run": "r1"})
    assert (sent.path, sent.body) == ("/x/a%20b/r1/c%2Fd", b"r1")


def test_several_requests_of_one_route_are_entries_of_their_own() -> None:
    _, first, second, _ = entries()
    assert (first.needs, first.answers, first.copied) == (("get experiments",), 200, None)
    assert (second.needs, second.answers, second.copied) == (("list experiments", "list datasets"), 400, 200)


def test_a_misspelt_object_is_an_error_and_not_an_empty_id() -> None:
    with pytest.raises(KeyError):
        entries()[0].request({"runs": "r1"})


def test_only_a_request_that_names_an_object_can_be_sent_with_a_copied_id() -> None:
    named = [entry.names_objects for entry in entries()]
    assert named == [True, False, False, True]


def test_the_committed_table_aims_at_nothing_that_is_not_made() -> None:
    made = {"workspace", "name", "secret", "fresh", "fresh_hex", "scorer_code", "artifacts"}
    text = (table.ROUTES.with_name("objects.yaml")).read_text(encoding="utf-8")
    from_names = {"experiment_name", "registered", "doomed_registered", "renamed", "prompt", "scorer", "doomed_scorer"}
    named = {name for entry in table.read(table.ROUTES.read_text(encoding="utf-8")) for name in entry.objects()}
    missing = {
        name
        for name in named - made - from_names - {"schema_name", "queue_name"}
        if f"{{{name}: " not in text and f" {name}: " not in text
    }
    assert missing == set()


def test_the_committed_table_says_what_the_server_does_not_serve() -> None:
    judged = routes.read(routes.FILE.read_text(encoding="utf-8"))
    off = [group for group in judged.groups if group.kind in {"features", "never"}]
    group = {route: group.name for group in off for route in group.routes}
    entries = table.read(table.ROUTES.read_text(encoding="utf-8"))
    claimed = [(route, entry.disabled) for entry in entries for route, _ in table.forms(entry, set(judged.all()))]
    assert [(route, disabled) for route, disabled in claimed if group.get(route) != disabled] == []
    assert {route for route, _ in claimed} == set(judged.all())
