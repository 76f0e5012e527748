"""The request guard, in front of an application that records what it receives."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.request_guard import RequestGuard
from mlflow_platform_server.request_identity import IdentityHeaders
from mlflow_platform_server.scope import KEY, RequestFacts

IDENTITY_HEADERS = IdentityHeaders(
    user_header="x-forwarded-email", groups_header="x-forwarded-groups", groups_separator=",", authorizes_by_token=False
)
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


def test_no_body_is_read() -> None:
    """The caller is identified from the headers alone, before an unfinished or large body is read."""
    read: list[Message] = []

    async def unread(scope: Message, _: Receive, send: Send) -> None:
        read.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    headers = {"Content-Length": str(2**40), "Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert status(asyncio.run(ask(unread, LOG, method="POST", headers=headers, goes_away=True))) == 200
    assert dict(read[0]["headers"]) == {name.lower().encode(): value.encode() for name, value in headers.items()}


def test_the_facts_name_the_caller_and_the_layer_that_refused() -> None:
    passed, forged = RequestFacts(id="1"), RequestFacts(id="2")
    asyncio.run(ask(Server(), LOG, method="POST", headers={"X-Forwarded-Email": "a@b.c"}, facts=passed))
    assert passed.caller is not None
    assert passed.caller.user == "a@b.c"
    assert passed.refused_by is None
    headers = {"X-Forwarded-Email": "a@b.c", "X-Forwarded-Groups": "system:masters"}
    asyncio.run(ask(Server(), headers=headers, facts=forged))
    assert forged.refused_by == "identity"
    assert forged.caller is not None
    assert forged.caller.user == "a@b.c"


def test_a_request_that_no_layer_has_begun_to_record_is_not_served() -> None:
    server = Server()
    scope: Message = {"type": "http", "method": "GET", "path": "/", "headers": []}

    async def nothing(*_: object) -> Message:
        return {}

    with pytest.raises(KeyError):
        asyncio.run(RequestGuard(server, IDENTITY_HEADERS)(scope, nothing, nothing))  # type: ignore[arg-type]
    assert not server.pieces
