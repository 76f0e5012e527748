"""The request guard, in front of an application that records what it was given."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest
from mlflow_platform_server import bodies
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.request_guard import PIECE_BYTES, TRACES, RequestGuard
from mlflow_platform_server.request_identity import IdentityHeaders
from mlflow_platform_server.scope import KEY, RequestFacts

IDENTITY_HEADERS = IdentityHeaders(
    user_header="x-forwarded-email", groups_header="x-forwarded-groups", groups_separator=",", authorizes_by_token=False
)
ARTIFACT = "/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/model.json"
LOG = "/api/2.0/mlflow/runs/log-batch"
WORKSPACE: ContextVar[str] = ContextVar("workspace", default="")


@dataclass(slots=True)
class Server:
    """An application behind the guard that records what it sees."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    pieces: list[int] = field(default_factory=list[int])
    workspace: str = ""
    gone: bool = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Read the request and answer it."""
        self.workspace = WORKSPACE.get()
        WORKSPACE.set("of this request")
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        more = True
        while more and not self.gone:
            message = await receive()
            self.gone = message["type"] == "http.disconnect"
            self.pieces.append(len(message.get("body", b"")))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"seen"})


async def ask(
    server: Callable[[Message, Receive, Send], Awaitable[None]],
    path: str = "/",
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: list[bytes] | None = None,
    goes_away: bool = False,
    facts: RequestFacts | None = None,
    query: bytes = b"",
) -> list[dict[str, Any]]:
    """Send one request whose body comes in pieces; returns the messages of the answer."""
    sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    pieces = body or [b""]
    waiting: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": goes_away or number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]
    answer: list[dict[str, Any]] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.append(dict(message))

    scope: Message = {"type": "http", "method": method, "path": path, "headers": sent, "query_string": query}
    scope[KEY] = facts or RequestFacts(id="1")
    await RequestGuard(server, IDENTITY_HEADERS)(scope, receive, send)
    return answer


def status(answer: list[dict[str, Any]]) -> int:
    return answer[0]["status"]


def test_a_request_with_a_forged_group_is_refused_with_the_reason_and_not_passed_on() -> None:
    server = Server()
    answer = asyncio.run(ask(server, headers={"X-Forwarded-Email": "a@b.c", "X-Forwarded-Groups": "system:masters"}))
    assert status(answer) == 403
    said = json.loads(answer[1]["body"])
    assert said["error_code"] == "PERMISSION_DENIED"
    assert "system:masters" in said["message"]
    assert not server.pieces


def test_a_credential_stops_at_the_guard() -> None:
    server = Server()
    assert status(asyncio.run(ask(server, headers={"Authorization": "Bearer x", "Host": "h"}))) == 200
    assert server.headers == {"host": "h"}


def test_a_graphql_query_in_the_url_is_refused_because_another_one_in_the_body_would_be_executed() -> None:
    server, facts = Server(), RequestFacts(id="1")
    answer = asyncio.run(ask(server, "/graphql", method="POST", query=b"query={}", facts=facts))
    assert status(answer) == 403
    assert "no query string" in json.loads(answer[1]["body"])["message"]
    assert facts.refused_by == "routes"
    assert not server.pieces
    assert status(asyncio.run(ask(Server(), "/graphql", method="POST"))) == 200
    assert status(asyncio.run(ask(Server(), "/api/2.0/mlflow/runs/get", query=b"run_id=1"))) == 200


def test_a_request_starts_in_no_workspace_whatever_its_connection_was_used_for() -> None:
    server = Server()

    async def after_another() -> None:
        WORKSPACE.set("of the request before")
        await ask(server)
        assert WORKSPACE.get() == "of the request before"

    asyncio.run(after_another())
    assert server.workspace == ""


def test_a_body_arrives_whole() -> None:
    server = Server()
    answer = asyncio.run(ask(server, LOG, method="POST", headers={"Content-Length": "4"}, body=[b"ab", b"", b"cd"]))
    assert status(answer) == 200
    assert server.pieces == [4]


@pytest.mark.parametrize("headers", [{"Content-Length": str(bodies.LIMIT_BYTES + 1)}, {"Transfer-Encoding": "chunked"}])
def test_a_body_beyond_the_limit_is_refused_and_named(headers: dict[str, str]) -> None:
    server = Server()
    piece = bytes(bodies.LIMIT_BYTES // 2 + 1)
    answer = asyncio.run(ask(server, LOG, method="POST", headers=headers, body=[piece, piece]))
    assert status(answer) == 413
    assert str(bodies.LIMIT_BYTES) in answer[1]["body"].decode()
    assert not server.pieces


def test_a_length_that_is_no_number_is_refused() -> None:
    answer = asyncio.run(ask(Server(), LOG, method="POST", headers={"Content-Length": "many"}, body=[b"x"]))
    assert status(answer) == 413


def test_a_body_that_is_cut_short_is_not_passed_on() -> None:
    """MLflow would take the end of the connection for the end of the body."""
    server = Server()
    answer = asyncio.run(
        ask(server, LOG, method="POST", headers={"Content-Length": "9"}, body=[b"half"], goes_away=True)
    )
    assert answer == []
    assert not server.pieces


def raw_deflate(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


def exported(server: Server, encoding: str, sent: bytes, path: str = TRACES) -> int:
    headers = {"Content-Encoding": encoding, "Content-Length": str(len(sent))}
    return status(
        asyncio.run(ask(RequestGuard(server, IDENTITY_HEADERS), path, method="POST", headers=headers, body=[sent]))
    )


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)
def test_an_exported_trace_arrives_without_its_compression(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    server = Server()
    sent = compress(b"x" * 1000)
    assert exported(server, encoding, sent) == 200
    assert server.pieces == [1000]
    assert server.headers == {"content-length": "1000"}


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]
)
def test_a_small_body_that_becomes_a_large_one_is_refused(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    server = Server()
    sent = compress(bytes(bodies.LIMIT_BYTES + 1))
    assert exported(server, encoding, sent) == 413
    assert not server.pieces


@pytest.mark.parametrize(
    "sent", [b"no gzip", gzip.compress(b"cut short")[:-9], gzip.compress(b"") * 2], ids=["other", "cut", "parts"]
)
def test_a_body_that_is_not_compressed_as_its_header_says_is_refused(sent: bytes) -> None:
    server = Server()
    assert exported(server, "gzip", sent) == 400
    assert not server.pieces


def test_other_bodies_are_left_as_they_are() -> None:
    server = Server()
    sent = gzip.compress(b"x" * 1000)
    for path, encoding in ((LOG, "gzip"), (TRACES, "br")):
        assert exported(server, encoding, sent, path) == 200
    assert server.pieces == [len(sent)] * 2


def test_an_upload_may_be_of_any_size_and_is_never_taken_for_json() -> None:
    """The authorisation plugin reads a JSON document into memory before it refuses it."""
    server = Server()
    pieces = [bytes(PIECE_BYTES // 16)] * 40
    headers = {"Content-Type": "application/json", "Content-Length": str(2**40)}
    assert status(asyncio.run(ask(server, ARTIFACT, method="PUT", headers=headers, body=pieces))) == 200
    assert server.headers["content-type"] == "application/octet-stream"
    assert server.pieces == [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES // 2]


def test_an_upload_that_is_cut_short_is_seen_to_be() -> None:
    server = Server()
    asyncio.run(ask(server, ARTIFACT, method="PUT", headers={"Content-Length": "9"}, body=[b"half"], goes_away=True))
    assert server.gone


def test_only_what_is_put_below_the_artifacts_is_an_upload() -> None:
    headers = {"Content-Length": str(bodies.LIMIT_BYTES + 1)}
    for method, path in (("POST", ARTIFACT), ("PUT", "/api/2.0/mlflow-artifacts/artifacts"), ("PUT", LOG)):
        assert status(asyncio.run(ask(Server(), path, method=method, headers=headers, body=[b""]))) == 413
    prefixed = f"/clusters/demo/mlflow{ARTIFACT}"
    assert status(asyncio.run(ask(Server(), prefixed, method="PUT", headers=headers, body=[b""]))) == 200


def test_the_facts_name_caller_and_objects_of_a_request() -> None:
    facts = RequestFacts(id="1")
    body = json.dumps({"run_id": "r1", "metrics": [{"key": "loss", "value": 1}]}).encode()
    headers = {"Content-Length": str(len(body)), "X-Forwarded-Email": "a@b.c"}
    asyncio.run(ask(Server(), LOG, method="POST", headers=headers, body=[body], facts=facts))
    assert facts.caller is not None
    assert facts.caller.user == "a@b.c"
    assert facts.objects == {"run_id": ["r1"]}
    assert facts.refused_by is None


def test_the_facts_say_which_layer_refused() -> None:
    forged, large = RequestFacts(id="1"), RequestFacts(id="2")
    headers = {"X-Forwarded-Email": "a@b.c", "X-Forwarded-Groups": "system:masters"}
    asyncio.run(ask(Server(), headers=headers, facts=forged))
    assert forged.refused_by == "identity"
    assert forged.caller is not None
    assert forged.caller.user == "a@b.c"
    headers = {"Content-Length": str(bodies.LIMIT_BYTES + 1)}
    asyncio.run(ask(Server(), LOG, method="POST", headers=headers, body=[b""], facts=large))
    assert large.refused_by == "limits"


def test_a_request_that_no_layer_has_begun_to_record_is_not_served() -> None:
    server = Server()
    scope: Message = {"type": "http", "method": "GET", "path": "/", "headers": []}

    async def nothing(*_: object) -> Message:
        return {}

    with pytest.raises(KeyError):
        asyncio.run(RequestGuard(server, IDENTITY_HEADERS)(scope, nothing, nothing))  # type: ignore[arg-type]
    assert not server.pieces
