"""The attacks: requests that would exhaust the memory, the time or the threads of a server without bounds.

The rows are those of the table in docs/limits.md. Each row has several attacks, so that a bound for only one of them is
noticed.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

from benchmarks.load import Way
from benchmarks.pressure import line
from benchmarks.pressure.bodies import MIB, bomb, trace

JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
TRACES = "/v1/traces"
LOG_BATCH = "/api/2.0/mlflow/runs/log-batch"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
# More conditions than any page or client of MLflow sends.
CLAUSES = 150


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The attacked server, and the identity of the attackers."""

    way: Way
    """Route through the ingress controller, as a program of the attacking team."""

    login: Way
    """Route directly to the pod's port, without an identity."""

    experiment: str
    """ID of an experiment of the attacking team."""

    run: str
    """ID of a run in that experiment."""


Send = Callable[[Target, int, threading.Event], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """Clients that send the same kind of request again and again."""

    row: str
    """Kind of the attack."""

    name: str
    clients: int
    send: Send
    """Sends one request as the client with this number, and returns the status of the answer."""


def attacks() -> list[Attack]:
    """All attacks, by row."""
    return [
        *_compressed(),
        *_filters(),
        *_json(),
        *_legal(),
        *_unfinished(),
        *_graphql(),
        *_uploads(),
        *_headers(),
        *_lists(),
    ]


def _post(path: str, headers: dict[str, str], body: Callable[[Target, int], bytes], method: str = "POST") -> Send:
    def send(target: Target, number: int, stop: threading.Event) -> str:
        content = body(target, number)
        start = line.head(target.way, method, path, {**headers, "Content-Length": str(len(content))})
        return line.ask(target.way, (start, content), stop)

    return send


def _compressed() -> Iterator[Attack]:
    for form, path in (
        ("gzip", TRACES),
        ("zlib", TRACES),
        ("raw deflate", TRACES),
        ("gzip members", TRACES),
        ("gzip", LOG_BATCH),
    ):
        headers = {**(PROTOBUF if path == TRACES else JSON), "Content-Encoding": form.split(maxsplit=1)[0]}
        if form in {"zlib", "raw deflate"}:
            headers["Content-Encoding"] = "deflate"

        def body(_: Target, __: int, form: str = form) -> bytes:
            return bomb(form)

        yield Attack(row="compressed bodies", name=f"{form} at {path}", clients=4, send=_post(path, headers, body))


def _search(path: str, document: Callable[[Target], dict[str, object]]) -> Send:
    return _post(path, JSON, lambda target, _: json.dumps(document(target)).encode())


def _clauses(form: str) -> str:
    return " AND ".join(form.format(number) for number in range(CLAUSES))


def _filters() -> Iterator[Attack]:
    row = "filters"
    yield Attack(
        row=row,
        name="150 tags in traces/search",
        clients=4,
        send=_search(
            "/api/3.0/mlflow/traces/search",
            lambda target: {
                "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": target.experiment}}],
                "filter": _clauses("tags.a{} = 'b'"),
            },
        ),
    )
    yield Attack(
        row=row,
        name="150 parameters in runs/search",
        clients=4,
        send=_search(
            "/api/2.0/mlflow/runs/search",
            lambda target: {"experiment_ids": [target.experiment], "filter": _clauses("params.a{} = 'b'")},
        ),
    )
    yield Attack(
        row=row,
        name="150 tags in datasets/search",
        clients=4,
        send=_search(
            "/api/3.0/mlflow/datasets/search",
            lambda target: {"experiment_ids": [target.experiment], "filter_string": _clauses("tags.a{} = 'b'")},
        ),
    )
    yield Attack(
        row=row,
        name="a filter of 1 MB",
        clients=4,
        send=_search(
            "/api/2.0/mlflow/runs/search",
            lambda target: {"experiment_ids": [target.experiment], "filter": f"tags.a = '{'x' * 1_000_000}'"},
        ),
    )
    yield Attack(
        row=row,
        name="5,000 brackets in a filter",
        clients=4,
        send=_search(
            "/api/2.0/mlflow/runs/search",
            lambda target: {"experiment_ids": [target.experiment], "filter": "(" * 5000 + "tags.a = 'b'" + ")" * 5000},
        ),
    )


def _json() -> Iterator[Attack]:
    row = "JSON"
    bodies = {
        "15 MiB of empty lists": lambda: b"[" + b"[]," * (5 * MIB) + b"[]]",
        "100,000 lists in each other": lambda: b"[" * 100_000 + b"]" * 100_000,
        "an object with 1,000,000 keys": lambda: b"{" + b",".join(b'"%d":1' % key for key in range(1_000_000)) + b"}",
    }
    for name, make in bodies.items():
        made = cache(make)
        yield Attack(row=row, name=name, clients=4, send=_post(LOG_BATCH, JSON, lambda _, __, made=made: made()))
    empty = cache(bodies["15 MiB of empty lists"])
    yield Attack(
        row=row,
        name="a body of a GET",
        clients=4,
        send=_post("/api/2.0/mlflow/runs/get", JSON, lambda _, __: empty(), method="GET"),
    )


def _legal() -> Iterator[Attack]:
    for size in (5, 10):

        def send(target: Target, number: int, stop: threading.Event, size: int = size) -> str:
            headers = {**PROTOBUF, "X-MLflow-Experiment-Id": target.experiment}
            return _post(TRACES, headers, lambda _, __: trace(size * MIB, seed=number))(target, number, stop)

        yield Attack(row="legal bodies", name=f"traces of {size} MB", clients=8, send=send)


def _unfinished() -> Iterator[Attack]:
    row = "unfinished bodies"

    def stopped(sent: int, announced: int) -> Send:
        def send(target: Target, _: int, stop: threading.Event) -> str:
            start = line.head(target.way, "POST", LOG_BATCH, {**JSON, "Content-Length": str(announced)})
            return line.ask(target.way, (start, b" " * sent), stop)

        return send

    def trickled(target: Target, _: int, stop: threading.Event) -> str:
        start = line.head(target.way, "POST", LOG_BATCH, {**JSON, "Content-Length": str(MIB)})
        return line.ask(target.way, (start, *(b" " for _ in range(MIB))), stop, pause=1)

    yield Attack(row=row, name="15 of 16 MB, then nothing", clients=8, send=stopped(15 * MIB, 16 * MIB - 1))
    yield Attack(row=row, name="900 kB of 1 MB, then nothing", clients=64, send=stopped(900_000, 1_000_000))
    yield Attack(row=row, name="a byte a second", clients=64, send=trickled)


def _graphql() -> Iterator[Attack]:
    row = "GraphQL"
    field = 'a{0}: mlflowGetRun(input: {{runId: "x"}}) {{ apiError {{ code }} }}'
    queries = {
        "a query of 512 kB": lambda: '{ test(inputString: "' + "x" * 512_000 + '") { output } }',
        "10,000 aliases": lambda: "{" + " ".join(field.format(number) for number in range(10_000)) + "}",
        "5,000 levels": lambda: "{a" * 5000 + "}" * 5000,
        "fragments that double": lambda: (
            "query { ...f0 } "
            + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
            + " fragment f40 on Query { __typename }"
        ),
    }
    for name, make in queries.items():
        made = cache(partial(_query, make))
        yield Attack(row=row, name=name, clients=4, send=_post("/graphql", JSON, lambda _, __, made=made: made()))


def _query(make: Callable[[], str]) -> bytes:
    return json.dumps({"query": make()}).encode()


def _uploads() -> Iterator[Attack]:
    row = "uploads"

    def stopped(sent: int, announced: int) -> Send:
        def send(target: Target, number: int, stop: threading.Event) -> str:
            path = f"{ARTIFACTS}/{target.experiment}/{target.run}/artifacts/pressure-{number}"
            start = line.head(target.way, "PUT", path, {"Content-Length": str(announced)})
            return line.ask(target.way, (start, b"x" * sent), stop)

        return send

    yield Attack(row=row, name="one byte, then nothing", clients=32, send=stopped(1, 100 * MIB))
    yield Attack(row=row, name="300 kB, then nothing", clients=64, send=stopped(300_000, 100 * MIB))
    yield Attack(row=row, name="7.9 MB, then nothing", clients=32, send=stopped(8_200_000, 100 * MIB))


def _headers() -> Iterator[Attack]:
    row = "before authentication"

    def half(target: Target, _: int, stop: threading.Event) -> str:
        return line.ask(target.login, (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Half: ",), stop)

    def large(target: Target, _: int, stop: threading.Event) -> str:
        start = line.head(replace(target.login, headers={}), "GET", "/", {"X-Large": "x" * 880_000})
        return line.ask(target.login, (start,), stop)

    def trickled(target: Target, _: int, stop: threading.Event) -> str:
        lines = (b"X-A: b\r\n" for _ in range(600))
        return line.ask(target.login, (b"GET / HTTP/1.1\r\nHost: x\r\n", *lines), stop, pause=1)

    yield Attack(row=row, name="half a header", clients=1500, send=half)
    yield Attack(row=row, name="headers of 880 kB", clients=100, send=large)
    yield Attack(row=row, name="a header a second", clients=300, send=trickled)


def _lists() -> Iterator[Attack]:
    row = "list of workspaces"
    path = "/api/3.0/mlflow/workspaces"

    def as_program(target: Target, _: int, stop: threading.Event) -> str:
        return line.ask(target.way, (line.head(target.way, "GET", path, {}),), stop)

    yield Attack(row=row, name="again and again", clients=8, send=as_program)
