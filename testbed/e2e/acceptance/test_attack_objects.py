"""Attacks on the authorization of a route: locations of another team's files, and ambiguous requests.

The attacks of the first two groups succeed on MLflow 3.17.2 and its authorisation plugin 2.1.0 as published.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from testbed.e2e.attack import verdict, world
from testbed.e2e.attack.line import Line
from testbed.e2e.attack.table import JSON_HEADERS, Request
from testbed.e2e.attack.verdict import Answer, Caller
from testbed.e2e.attack.world import World
from testbed.e2e.web import Site

Send = Callable[..., Answer]
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
ATTACHMENT = "00000000-0000-4000-8000-000000000000"
# All known forms of a file's location: $FILES is the other team's folder in the store.
LOCATIONS = (
    "s3-proxied://mlflow/$FILES",
    "s3://mlflow/$FILES",
    "S3://mlflow/$FILES",
    "mlflow-artifacts:/$FILES",
    "MLFLOW-ARTIFACTS:/$FILES",
    "mlflow-artifacts:///$FILES",
    "mlflow-artifacts://mlflow/$FILES",
    "mlflow-artifacts:/workspaces/team-a/../../$FILES",
    "s3-proxied://mlflow/workspaces/team-a/../../$FILES",
    "s3-proxied://mlflow/workspaces/team-a/%2e%2e/%2e%2e/$FILES",
    "runs:/$RUN",
    "models:/$MODEL",
    "file:///etc",
    "/etc",
    "/mlflow/artifacts/$FILES",
    "http://127.0.0.1:5000/api/2.0/mlflow-artifacts/artifacts/$FILES",
    "https://kubernetes.default.svc/version",
    "http://169.254.169.254/latest/meta-data",
    "ftp://127.0.0.1/x",
    "sftp://127.0.0.1/x",
    "gs://other/x",
    "wasbs://other@store/x",
    "hdfs://127.0.0.1/x",
    "dbfs:/x",
)
# Paths relative to the workspace's root: $TO leads to the other team's folder.
WAYS = (
    "$TO",
    "/$TO",
    "//$TO",
    "./$TO",
    "../../$TO",
    "workspaces/team-a/../../$TO",
    "workspaces/team-a/../team-b/$REST",
    "workspaces/team-a/%2e%2e/team-b/$REST",
    "workspaces/team-a/%252e%252e/team-b/$REST",
    "workspaces/team-a/%25252e%25252e/team-b/$REST",
    "workspaces/team-a/..%2fteam-b/$REST",
    "workspaces/team-a/..%252fteam-b/$REST",
    "workspaces/team-a/..%5cteam-b/$REST",
    "workspaces%2fteam-b/$REST",
    "workspaces%252fteam-b/$REST",
    "WORKSPACES/team-b/$REST",
    "workspaces//team-b/$REST",
    "workspaces/./team-b/$REST",
    "workspaces/team-b%00/$REST",
    "workspaces/team-a%00/../team-b/$REST",
    "workspaces/team-a/%u002e%u002e/team-b/$REST",
    "workspaces/team-a/%c0%ae%c0%ae/team-b/$REST",
    "workspaces/team-a/\uff0e\uff0e/team-b/$REST",
    "workspaces/team-a/..;/team-b/$REST",
    "file:///etc",
    "s3://mlflow/$TO",
)
RUN_QUERY = 'query { mlflowGetRun(input: {runId: "$RUN"}) { run { info { runName } data { params { key value } } } } }'
# A query of no object in particular, for the authorization to judge instead of the other one.
HARMLESS = "query { mlflowSearchModelVersions(input: {filter: \"name='x'\"}) { modelVersions { name } } }"


@pytest.fixture(scope="module")
def own(site: Site, everybody: dict[str, Caller]) -> World:
    """Objects of the attacker."""
    owner = everybody["manager"]
    return world.make(Line(site), owner.token, owner.workspace)


@pytest.fixture(scope="module")
def attack(site: Site, everybody: dict[str, Caller], victim: World) -> Send:
    """Function that sends a request, by default as team A's manager, who knows every id of team B."""
    line, planted = Line(site), (victim.values["secret"], victim.values["name"])

    def send(
        method: str, path: str, document: object = None, *, workspace: str = "team-a", caller: str = "manager",
        headers: dict[str, str] | None = None, body: bytes = b"",
    ) -> Answer:  # fmt: skip
        sent = Request(
            method=method,
            path=path,
            headers={**(JSON_HEADERS if document is not None else {}), **(headers or {})},
            body=body if document is None else json.dumps(document).encode(),
        )
        answer = line.send(sent, token=everybody[caller].token, workspace=workspace)
        assert verdict.leaked(sent.text, answer, planted) == [], f"{method} {path}: {answer.text}"
        return answer

    return send


def _aimed(text: str, victim: World) -> str:
    files = victim.values["artifacts"]
    return (
        text.replace("$FILES", files)
        .replace("$TO", files)
        .replace("$REST", files.removeprefix("workspaces/team-b/"))
        .replace("$RUN", victim.values["run"])
        .replace("$MODEL", victim.values["model"])
    )


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("helped", ["alone", "by a run", "by a model"])
def test_a_model_versions_source_shows_nobody_elses_files(
    attack: Send, own: World, victim: World, location: str, helped: str
) -> None:
    helper = {"by a run": {"run_id": own.values["run"]}, "by a model": {"model_id": own.values["model"]}}
    name = f"source-{uuid.uuid4().hex}"
    attack("POST", "/api/2.0/mlflow/registered-models/create", {"name": name})
    document = {"name": name, "source": _aimed(location, victim), **helper.get(helped, {})}
    made = attack("POST", "/api/2.0/mlflow/model-versions/create", document)
    assert made.status == 400, f"it is made: {made.text}"
    got = attack("GET", f"/model-versions/get-artifact?name={name}&version=1&path=note.txt")
    assert got.status == 404


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize(
    "tags",
    [
        ("mlflow.artifactLocation",),
        ("mlflow.trace.archiveLocation", "mlflow.artifactLocation"),
    ],
    ids=["data", "archive"],
)
def test_a_traces_tags_show_nobody_elses_files(
    attack: Send, own: World, victim: World, location: str, tags: tuple[str, ...]
) -> None:
    trace = f"tr-{uuid.uuid4().hex}"
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": own.values["experiment"]}}
    info = {"trace_id": trace, "trace_location": place, "request_time": "2026-01-01T00:00:00Z", "state": "OK"}
    assert attack("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": info}}).status == 200
    values = dict.fromkeys(tags, _aimed(location, victim))
    if "mlflow.trace.archiveLocation" in tags:
        values["mlflow.trace.spansLocation"] = "ARCHIVE_REPO"
    for key, value in values.items():
        attack("PATCH", f"/api/3.0/mlflow/traces/{trace}/tags", {"trace_id": trace, "key": key, "value": value})
    for form in ("2.0", "3.0"):
        path = f"/ajax-api/{form}/mlflow/get-trace-artifact?request_id={trace}"
        assert attack("GET", path).status >= 400
        assert attack("GET", f"{path}&path={ATTACHMENT}").status >= 400
    attack("GET", f"/api/3.0/mlflow/traces/get?trace_id={trace}")
    attack("GET", f"/api/3.0/mlflow/traces/batchGet?trace_ids={trace}")
    document = {"experiment_id": own.values["experiment"], "request_ids": [trace]}
    attack("POST", "/api/3.0/mlflow/traces/delete-traces", document)


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_trace_cannot_be_started_as_one_that_is_archived_elsewhere(
    attack: Send, own: World, victim: World, location: str
) -> None:
    """MLflow refuses these tags on an existing trace, but accepts them when a trace is started."""
    trace = f"tr-{uuid.uuid4().hex}"
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": own.values["experiment"]}}
    tags = {"mlflow.trace.spansLocation": "ARCHIVE_REPO", "mlflow.trace.archiveLocation": _aimed(location, victim)}
    info = {"trace_id": trace, "trace_location": place, "request_time": "2026-01-01T00:00:00Z", "state": "OK"}
    attack("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": {**info, "tags": tags}}})
    ours = location.lower().startswith(("s3", "file"))
    for path in (
        f"/api/3.0/mlflow/traces/get?trace_id={trace}",
        f"/api/3.0/mlflow/traces/batchGet?trace_ids={trace}",
        f"/ajax-api/3.0/mlflow/get-trace-artifact?request_id={trace}",
    ):
        got = attack("GET", path)
        # In the platform's own kind of store MLflow takes a location out of reach for one with nothing in it.
        assert got.status in ({200, 403} if ours else {400, 403}), f"{path}: {got.text}"
    document = {"experiment_id": own.values["experiment"], "request_ids": [trace]}
    attack("POST", "/api/3.0/mlflow/traces/delete-traces", document)


@pytest.mark.parametrize("location", LOCATIONS)
def test_an_experiment_is_kept_where_the_platform_says(attack: Send, victim: World, location: str) -> None:
    document = {"name": f"placed-{uuid.uuid4().hex}", "artifact_location": _aimed(location, victim)}
    assert attack("POST", "/api/2.0/mlflow/experiments/create", document).status == 400


@pytest.mark.parametrize("way", WAYS)
def test_no_path_leads_to_another_teams_artifacts(
    attack: Send, site: Site, everybody: dict[str, Caller], victim: World, way: str
) -> None:
    path = quote(_aimed(way, victim), safe="/%:;.")
    for prefix in (ARTIFACTS, ARTIFACTS.replace("/api/", "/ajax-api/")):
        got = attack("GET", f"{prefix}/{path}/note.txt")
        assert got.status != 200, f"{way}: {got.text}"
        attack("PUT", f"{prefix}/{path}/note.txt", body=b"overwritten")
        attack("DELETE", f"{prefix}/{path}/note.txt")
        attack("GET", f"{prefix}?path={quote(_aimed(way, victim), safe='')}")
        attack("GET", f"{prefix}?path={path}")
        for part in ("create", "complete", "abort"):
            document: dict[str, Any] = {"path": "note.txt", "num_parts": 1, "upload_id": "x", "parts": []}
            attack("POST", f"{prefix.rpartition('/')[0]}/mpu/{part}/{path}", document)
        attack("GET", f"{prefix.rpartition('/')[0]}/presigned/{path}/note.txt")
    owner = everybody["other manager"]
    file = f"{ARTIFACTS}/{victim.values['artifacts']}/note.txt"
    kept = Line(site).send(Request(method="GET", path=file), token=owner.token, workspace=owner.workspace)
    assert (kept.status, kept.body) == (200, victim.values["secret"]), "it is as it was"


@pytest.mark.parametrize("way", [*WAYS, "../traces/x", "..", "/etc/passwd"])
def test_no_path_leads_out_of_a_run_or_a_model(attack: Send, own: World, victim: World, way: str) -> None:
    path = quote(f"{_aimed(way, victim)}/note.txt", safe="")
    run, model = own.values["run"], own.values["model"]
    for asked in (
        f"/get-artifact?run_id={run}&path={path}",
        f"/api/2.0/mlflow/artifacts/list?run_id={run}&path={path}",
        f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path={path}",
        f"/api/2.0/mlflow/logged-models/{model}/artifacts/directories?artifact_directory_path={path}",
        f"/model-versions/get-artifact?name={own.values['registered']}&version=1&path={path}",
        f"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={own.values['trace']}&path={path}",
    ):
        attack("GET", asked)
    attack("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path={path}", body=b"overwritten")


@pytest.mark.parametrize("caller", ["manager", "program", "stranger"])
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("form", ["/graphql?query=$HARMLESS", "/graphql?query=$HARMLESS&operationName=x", "/graphql"])
def test_graphql_judges_what_it_executes(attack: Send, victim: World, form: str, method: str, caller: str) -> None:
    """The query in the URL was authorized and the one in the body executed: the runs of every team were readable."""
    query = _aimed(RUN_QUERY, victim)
    path = form.replace("$HARMLESS", quote(HARMLESS))
    answer = attack(method, path, {"query": query}, workspace="team-b", caller=caller)
    assert answer.status >= 400
    both = json.dumps({"query": HARMLESS})[:-1] + f', "query": {json.dumps(query)}}}'
    assert (
        attack("POST", path, workspace="team-b", caller=caller, headers=JSON_HEADERS, body=both.encode()).status >= 400
    )


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { name fields { name } } } }",
        '{ __type(name: "MlflowRun") { name } }',
        f"query A {HARMLESS[6:]} query B {RUN_QUERY[6:]}",
        f"{HARMLESS[:-1]} {RUN_QUERY[8:]}",
        f"{HARMLESS[:-1]} ... on Query {RUN_QUERY[6:]} }}",
        f"query {{ ...F }} fragment F on Query {RUN_QUERY[6:]}",
        'mutation { mlflowSearchRuns(input: {experimentIds: ["$EXPERIMENT"]}) { runs { info { runName } } } }',
        "mutation { mlflowSearchRuns(input: {experimentIds: []}) { runs { info { runName } } } }",
        "mutation { a: mlflowSearchRuns(input: {}) { runs { info { runName } } } }",
    ],
)
@pytest.mark.parametrize("operation", ["", "A", "B"])
def test_no_query_reaches_into_another_workspace(attack: Send, victim: World, query: str, operation: str) -> None:
    text = _aimed(query, victim).replace("$EXPERIMENT", victim.values["experiment"])
    document = {"query": text, **({"operationName": operation} if operation else {})}
    attack("POST", "/graphql", document, workspace="team-b")
    attack("POST", "/graphql", document)


def _both(victim: World, own: World, key: str) -> list[str]:
    return [own.values[key], victim.values[key]]


def test_ids_of_two_teams_in_one_request_give_one_teams_objects(attack: Send, own: World, victim: World) -> None:
    experiments, runs, traces = (_both(victim, own, key) for key in ("experiment", "run", "trace"))
    places = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": one}} for one in experiments]
    both: dict[str, Any] = {
        "/api/2.0/mlflow/runs/search": {"experiment_ids": experiments},
        "/api/2.0/mlflow/logged-models/search": {"experiment_ids": experiments},
        "/api/3.0/mlflow/traces/search": {"locations": places},
        "/api/3.0/mlflow/traces/batchGetInfos": {"trace_ids": traces},
        "/ajax-api/2.0/mlflow/experiments/search-datasets": {"experiment_ids": experiments},
        "/api/3.0/mlflow/datasets/search": {"experiment_ids": experiments},
        "/api/2.0/mlflow/traces/link-to-run": {"trace_ids": traces, "run_id": runs[0]},
        "/api/2.0/mlflow/runs/log-inputs": {"run_id": runs[0], "models": [{"model_id": victim.values["model"]}]},
        "/api/3.0/mlflow/review-queues/items/add": {
            "queue_id": own.values["queue"],
            "item_type": "TRACE",
            "item_ids": traces,
        },
    }
    for path, document in both.items():
        for workspace in ("team-a", "team-b"):
            attack("POST", path, document, workspace=workspace)
    for name, values in (("run_ids", runs), ("run_id", runs)):
        query = "&".join(f"{name}={value}" for value in values)
        attack("GET", f"/api/2.0/mlflow/metrics/get-history-bulk-interval?{query}&metric_key=loss")
        attack("GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?{query}&metric_key=loss")
    attack("GET", f"/api/3.0/mlflow/traces/batchGet?trace_ids={traces[0]}&trace_ids={traces[1]}")
    attack("GET", f"/api/3.0/mlflow/review-queues/items/list?queue_id={own.values['queue']}")
    attack("GET", f"/api/3.0/mlflow/traces/get?trace_id={traces[0]}&trace_id={traces[1]}")


@pytest.mark.parametrize("workspace", ["team-a", "team-b"])
def test_one_key_spelt_in_two_ways_is_judged_as_it_is_served(
    attack: Send, own: World, victim: World, workspace: str
) -> None:
    """MLflow accepts a key in snake_case and in camelCase, and reads a query string beside a body."""
    mine, theirs = own.values, victim.values
    for key, camel, path in (
        ("experiment_ids", "experimentIds", "/api/2.0/mlflow/runs/search"),
        ("experiment_ids", "experimentIds", "/api/2.0/mlflow/logged-models/search"),
        ("experiment_ids", "experimentIds", "/ajax-api/2.0/mlflow/experiments/search-datasets"),
    ):
        for document in (
            {key: [mine["experiment"]], camel: [theirs["experiment"]]},
            {camel: [theirs["experiment"]], key: [mine["experiment"]]},
            {camel: [theirs["experiment"]]},
        ):
            attack("POST", path, document, workspace=workspace)
            attack("POST", f"{path}?{key}={mine['experiment']}", document, workspace=workspace)
    for path, name, key in (
        ("/api/2.0/mlflow/runs/get", "run_id", "run"),
        ("/api/2.0/mlflow/experiments/get", "experiment_id", "experiment"),
        ("/api/3.0/mlflow/traces/get", "trace_id", "trace"),
    ):
        for one, other in ((mine, theirs), (theirs, mine)):
            attack("GET", f"{path}?{name}={one[key]}", {name: other[key]}, workspace=workspace)
            attack("GET", f"{path}?{name}={one[key]}&{name}={other[key]}", workspace=workspace)
            attack("GET", path, {name: one[key]}, workspace=workspace)


@pytest.mark.parametrize(
    "filter_",
    [
        "tags.secret LIKE '%'",
        "attributes.run_name LIKE '%'",
        "attributes.artifact_uri LIKE '%team-b%'",
        "params.secret LIKE 'secret-%'",
        "tags.secret LIKE '%' OR 1=1",
        "tags.secret = 'x' UNION SELECT 1",
        "attributes.workspace = 'team-b'",
    ],
)
def test_no_filter_reaches_into_another_workspace(attack: Send, victim: World, filter_: str) -> None:
    searches: dict[str, dict[str, Any]] = {
        "/api/2.0/mlflow/experiments/search": {"filter": filter_, "max_results": 1000, "view_type": "ALL"},
        "/api/2.0/mlflow/runs/search": {
            "filter": filter_,
            "experiment_ids": [victim.values["experiment"]],
            "run_view_type": "ALL",
        },
        "/api/2.0/mlflow/logged-models/search": {"filter": filter_, "experiment_ids": [victim.values["experiment"]]},
        "/api/3.0/mlflow/datasets/search": {"filter_string": filter_},
    }
    for path, document in searches.items():
        for workspace in ("team-a", "team-b"):
            attack("POST", path, document, workspace=workspace)
    for path in ("/api/2.0/mlflow/registered-models/search", "/api/2.0/mlflow/model-versions/search"):
        for workspace in ("team-a", "team-b"):
            attack("GET", f"{path}?filter={quote(filter_)}&max_results=1000", workspace=workspace)


def test_a_page_token_of_another_team_opens_no_page_of_it(
    attack: Send, site: Site, everybody: dict[str, Caller], victim: World
) -> None:
    path, owner = "/api/2.0/mlflow/experiments/search", everybody["other manager"]
    first = Request(method="POST", path=path, headers=JSON_HEADERS, body=json.dumps({"max_results": 1}).encode())
    token = Line(site).send(first, token=owner.token, workspace=owner.workspace).document()["next_page_token"]
    for workspace in ("team-a", "team-b"):
        attack("POST", path, {"max_results": 1000, "page_token": token}, workspace=workspace)
    document = {"experiment_ids": [victim.values["experiment"]], "page_token": token}
    attack("POST", "/api/2.0/mlflow/runs/search", document)


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "_method"]
)
def test_no_header_turns_a_reader_into_a_writer(attack: Send, own: World, header: str) -> None:
    experiment = own.values["experiment"]
    for method in ("DELETE", "POST"):
        path = f"/api/2.0/mlflow/experiments/delete?experiment_id={experiment}&_method={method}"
        answer = attack("GET", path, caller="viewer", headers={header: method})
        assert answer.status in {403, 404, 405}
    kept = attack("GET", f"/api/2.0/mlflow/experiments/get?experiment_id={experiment}")
    assert kept.document()["experiment"]["lifecycle_stage"] == "active"


@pytest.mark.parametrize(
    "form", ["team-b", "team-a,team-b", "team-b ", "TEAM-B", "team-a\tteam-b", "../team-b", "*", "mlflow"]
)
@pytest.mark.parametrize(
    "header", ["X-MLFLOW-WORKSPACE", "x-mlflow-workspace", "X_MLFLOW_WORKSPACE", "X-Mlflow-Workspace"]
)
def test_a_second_workspace_header_is_not_another_judgement(
    attack: Send, victim: World, header: str, form: str
) -> None:
    answer = attack("GET", f"/api/2.0/mlflow/runs/get?run_id={victim.values['run']}", headers={header: form})
    assert answer.status >= 400
    attack("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1000}, headers={header: form})
