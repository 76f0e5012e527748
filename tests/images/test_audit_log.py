"""The audit log, in front of an application whose answers the test chooses."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from mlflow_platform_server import named_objects
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.audit import LONGEST_LINE, AuditLog, line
from mlflow_platform_server.scope import Caller, RequestFacts, facts

# Twelve bytes of JSON for each character.
LONG = "\U0001f600" * 5000
BEGUN = datetime(2026, 11, 29, 10, 0, 0, 123456, tzinfo=UTC)
CREATE = "/api/2.0/mlflow/experiments/create"
ALICE = Caller(
    user="alice@example.com",
    groups=("leads",),
    claimed_groups=("leads", "others"),
    token="secret-token",  # noqa: S106 - it must not appear anywhere
)


class Exchange:
    """One request through the audit log, and all events in order."""

    def __init__(self, status: int | None = 200, **found: Any) -> None:  # noqa: ANN401 - facts of the request
        self.status = status
        self.found = found
        self.events: list[Any] = []
        self.failure: Exception | None = None
        self.full = False
        self.written: list[bytes] = []
        self.id = ""
        self.asserted: Caller | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Record the facts about the request, and answer."""
        assert receive
        self.id = facts(scope).id
        for name, value in self.found.items():
            setattr(facts(scope), name, value)
        if self.failure:
            raise self.failure
        if self.status is None:
            return
        headers = [(b"content-type", b"text/plain"), (b"X-Request-Id", b"forged")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"answer"})

    def write(self, encoded: bytes) -> None:
        """Write a line, unless the log is full."""
        if self.full:
            raise BlockingIOError
        self.written.append(encoded)
        self.events.append("line")

    def run(self, method: str = "POST", path: str = CREATE, query: bytes = b"", **headers: str) -> list[dict[str, Any]]:
        """Send the request; returns the records."""
        ticks = iter((1.0, 1.0155))
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": pairs}

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self.events.append(dict(message))

        def identify(given: Iterable[tuple[bytes, bytes]]) -> Caller | None:
            assert list(given) == pairs
            return self.asserted

        log = AuditLog(self, self.write, pod="the-uid", identify=identify, now=lambda: BEGUN, clock=lambda: next(ticks))
        asyncio.run(log(scope, receive, send))
        return [json.loads(one) for one in self.written]


def test_a_change_is_recorded_with_who_where_what_and_how_it_ended() -> None:
    exchange = Exchange(caller=ALICE, workspace="team-a", route=f"POST {CREATE}", objects={"name": ["first"]})
    assert exchange.run(query=b"run_id=r1") == [
        {
            "log": "audit",
            "time": "2026-11-29T10:00:00.123Z",
            "pod": "the-uid",
            "request": exchange.id,
            "user": "alice@example.com",
            "groups": ["leads"],
            "workspace": "team-a",
            "method": "POST",
            "route": f"POST {CREATE}",
            "objects": {"run_id": ["r1"], "name": ["first"]},
            "status": 200,
            "refused_by": None,
            "ms": 16,
        }
    ]


def test_the_line_is_written_before_the_first_byte_of_the_answer() -> None:
    exchange = Exchange()
    exchange.run()
    assert exchange.events[0] == "line"
    assert [event["type"] for event in exchange.events[1:]] == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "INVENTED"])
@pytest.mark.parametrize("status", [200, 404, 500])
def test_everything_but_reading_is_recorded_however_it_ends(method: str, status: int) -> None:
    assert [one["method"] for one in Exchange(status).run(method)] == [method]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("status", "lines"), [(200, 0), (304, 0), (400, 0), (401, 1), (403, 1), (404, 1), (429, 1), (500, 1), (503, 1)]
)
def test_of_reading_what_was_refused_or_failed_is_recorded(method: str, status: int, lines: int) -> None:
    assert len(Exchange(status).run(method)) == lines


def test_a_reading_that_a_layer_refused_is_recorded_whatever_its_status() -> None:
    (one,) = Exchange(400, refused_by="limits").run("GET")
    assert one["refused_by"] == "limits"


@pytest.mark.parametrize(
    ("status", "layer", "said"), [(403, None, "rbac"), (403, "identity", "identity"), (200, None, None)]
)
def test_the_record_names_the_layer_that_refused(status: int, layer: str | None, said: str | None) -> None:
    (one,) = Exchange(status, refused_by=layer).run()
    assert one["refused_by"] == said


def test_a_request_for_no_route_is_recorded_with_its_path_and_the_workspace_it_asked_for() -> None:
    (one,) = Exchange(404, refused_by="routes").run(path="/secret/..;/x", x_mlflow_workspace="team-b")
    assert (one["route"], one["path"]) == (None, "/secret/..;/x")
    assert (one["workspace"], one["requested_workspace"]) == (None, "team-b")


def test_a_request_that_is_answered_before_the_guard_is_recorded_with_the_caller_in_its_headers() -> None:
    exchange = Exchange(404, refused_by="routes")
    exchange.asserted = ALICE
    (one,) = exchange.run("GET", path="/secret")
    assert (one["user"], one["groups"]) == ("alice@example.com", ["leads"])


def test_the_caller_whom_the_guard_has_found_goes_before_the_headers() -> None:
    exchange = Exchange(caller=ALICE)
    exchange.asserted = Caller(user="somebody else")
    assert exchange.run()[0]["user"] == "alice@example.com"


def test_no_token_query_or_header_is_recorded() -> None:
    exchange = Exchange(caller=ALICE)
    exchange.run(query=b"token=secret-token&filter=secret", authorization="Bearer secret-token", cookie="secret")
    assert b"secret" not in exchange.written[0]


def test_the_client_gets_the_id_of_the_request_and_no_other() -> None:
    exchange = Exchange()
    (one,) = exchange.run()
    ids = [value for name, value in exchange.events[1]["headers"] if name.lower() == b"x-request-id"]
    assert ids == [one["request"].encode()]
    assert len(bytes.fromhex(one["request"])) == 16


def test_two_requests_have_different_ids() -> None:
    first, second = Exchange(), Exchange()
    first.run()
    second.run()
    assert first.id != second.id


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_if_the_line_cannot_be_written_there_is_no_answer_of_success(method: str) -> None:
    exchange = Exchange(403 if method == "HEAD" else 200)
    exchange.full = True
    exchange.run(method)
    start, body = exchange.events
    assert start["status"] == 500
    assert b"answer" not in body["body"]
    assert exchange.id in json.loads(body["body"])["message"]


def test_a_change_without_an_answer_is_recorded_as_such() -> None:
    """The client has gone, or the server is being stopped: what was done until then is unknown."""
    assert [one["status"] for one in Exchange(None).run()] == [None]
    assert Exchange(None).run("GET") == []


def test_a_change_whose_handler_fails_is_recorded() -> None:
    exchange = Exchange()
    exchange.failure = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        exchange.run()
    assert [json.loads(one)["status"] for one in exchange.written] == [None]


def test_no_value_can_end_the_line_or_reach_a_terminal() -> None:
    caller = Caller(user='a"}\n{"log": "audit"\x1b[2J\u2028', groups=("x\r\ny",))
    exchange = Exchange(404, caller=caller)
    exchange.run(path="/a\nb\x1b")
    (encoded,) = exchange.written
    assert encoded.count(b"\n") == 1
    assert encoded.endswith(b"\n")
    assert all(0x20 <= byte < 0x7F for byte in encoded[:-1])
    assert json.loads(encoded)["user"] == caller.user


def test_a_line_is_never_longer_than_what_a_pipe_takes_at_once() -> None:
    caller = Caller(user="\u2028" * 5000, groups=tuple(f"{number}-{'ü' * 300}" for number in range(500)))
    objects = {f"key-{number}": ["ü" * 200] * 2 for number in range(100)}
    exchange = Exchange(404, caller=caller, objects=objects)
    (one,) = exchange.run(path="/" + "ü" * 5000)
    assert len(exchange.written[0]) <= LONGEST_LINE
    assert one["user"]
    assert one["groups_omitted"] > 0
    assert one["objects"]


@pytest.mark.parametrize("method", ["POST", "P" * 5000])
@pytest.mark.parametrize("known", [True, False])
def test_nothing_that_a_client_sends_shortens_who_it_was_and_what_was_done(method: str, *, known: bool) -> None:
    """A part of the pod's UID would make the record one that `make audit` takes for forged."""
    user = f"system:serviceaccount:{'n' * 63}:{'s' * 253}"
    caller = Caller(user=user, groups=tuple(f"{number}{LONG}" for number in range(500)))
    route = f"POST {CREATE}" if known else None
    ids = named_objects.IDS | named_objects.NAMES
    objects = named_objects.collected((key, f"{n}{LONG}") for key in ids for n in range(25)) if known else {}
    exchange = Exchange(200, caller=caller, route=route, objects=objects)
    (one,) = exchange.run(method, f"/{LONG}", x_mlflow_workspace=LONG)
    assert len(exchange.written[0]) <= LONGEST_LINE
    assert (one["pod"], one["request"], one["user"]) == ("the-uid", exchange.id, user)
    assert (one["time"], one["route"]) == ("2026-11-29T10:00:00.123Z", route)
    assert set(objects) <= set(one["objects"])


def test_an_id_is_recorded_whole_beside_any_number_of_long_names() -> None:
    trace = "tr-0123456789abcdef0123456789abcdef"
    names = {key: [LONG] for key in sorted(named_objects.NAMES)}
    (one,) = Exchange(caller=ALICE, objects={**names, "run_ids": ["\u2028" * 200] * 9, "trace_id": [trace]}).run()
    assert one["objects"]["trace_id"] == [trace]


def test_a_trace_that_opentelemetry_exports_is_recorded_with_its_experiment() -> None:
    (one,) = Exchange(caller=ALICE, route="POST /v1/traces").run(path="/v1/traces", x_mlflow_experiment_id="7")
    assert one["objects"] == {"experiment_id": ["7"]}


def test_users_whose_names_are_too_long_for_a_line_are_told_apart() -> None:
    (one,), (other,) = (Exchange(caller=Caller(user="ü" * 5000 + end)).run() for end in "ab")
    assert one["user"].startswith("ü" * 40)
    assert one["user"] != other["user"]


def test_a_record_that_fits_is_complete() -> None:
    groups = tuple(f"group-{number}" for number in range(100))
    (one,) = Exchange(caller=Caller(user="a@b.c", groups=groups)).run()
    assert one["groups"] == list(groups)
    assert "groups_omitted" not in one


def test_a_record_that_cannot_be_shortened_enough_is_an_error() -> None:
    with pytest.raises(ValueError, match="too long"):
        line({"groups": list[str](), "objects": dict[str, list[str]](), **{f"{key}": "x" * 100 for key in range(200)}})


def test_start_and_stop_of_the_server_pass() -> None:
    seen: list[str] = []

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        assert receive
        assert send
        seen.append(scope["type"])

    async def nothing(*_: object) -> Message:
        return {}

    asyncio.run(AuditLog(application, pod="the-uid")({"type": "lifespan"}, nothing, nothing))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


def test_the_facts_begin_with_nothing_known() -> None:
    assert RequestFacts(id="1").objects == {}
