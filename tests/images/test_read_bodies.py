"""Copies of a body that Starlette and the plugin keep are dropped when the answer begins."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from asgi import Reader, reader_of
from mlflow_platform_server import transfers
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.delivery import Delivery
from mlflow_platform_server.read_bodies import ReadBodies, replay_once

BODY = b"[1]"


@dataclass(frozen=True)
class Asked:
    """The state that the plugin keeps of a request."""

    path: str = "/"
    json_body: object = None
    graphql_payload: object = None


@dataclass(frozen=True)
class Decision:
    """The decision of the plugin."""

    request_context: Asked = field(default_factory=Asked)


def served(decision: Decision | None, scope: dict[str, Any]) -> list[object]:
    """The body that the plugin holds while the application works, and after the answer began."""
    seen = list[object]()

    def kept() -> object:
        return dict(scope.get("state", {})), decision and decision.request_context.json_body

    async def app(_: Message, __: Receive, send: Send) -> None:
        seen.append(kept())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        seen.append(kept())
        await send({"type": "http.response.body", "body": b""})

    async def play() -> None:
        shared = transfers.shared(
            places=8, memory=40 * transfers.MIB, team_percent=50, queue_seconds=10, idle_seconds=20
        )
        layer = ReadBodies(app, decision=lambda: decision, kept=("raw", "document"))
        delivery = Delivery(layer, seconds=20, memory=shared.memory, connection=reader_of)
        await delivery(scope, receive, Reader().send)

    asyncio.run(play())
    return seen


async def receive() -> Message:
    return {"type": "http.request", "body": BODY, "more_body": False}


def test_the_plugin_has_the_body_until_the_answer_begins() -> None:
    scope: dict[str, Any] = {"type": "http", "state": {"raw": BODY, "document": [1], "other": 1}}
    decision = Decision(Asked(path="/x", json_body=[1], graphql_payload=[1]))
    assert served(decision, scope) == [({"raw": BODY, "document": [1], "other": 1}, [1]), ({"other": 1}, None)]
    assert decision.request_context == Asked(path="/x")


def test_a_request_without_a_decision_or_a_state_is_served() -> None:
    assert served(None, {"type": "http"}) == [({}, None), ({}, None)]


def test_a_body_is_replayed_once_and_then_dropped() -> None:
    class Cached:
        """Starlette's request, after the plugin has read the body."""

        def __init__(self) -> None:
            self._body = BODY
            self._wrapped_rcv_consumed = False

        async def wrapped_receive(self) -> Message:
            """Replay the body."""
            if self._wrapped_rcv_consumed:
                return {"type": "http.disconnect"}
            self._wrapped_rcv_consumed = True
            return {"type": "http.request", "body": self._body, "more_body": False}

        def has(self) -> bytes:
            """The body, if it is still in memory."""
            return self._body

    replay_once(Cached)
    request = Cached()
    assert request.has() == BODY
    assert asyncio.run(request.wrapped_receive())["body"] == BODY
    assert request.has() == b""
    assert asyncio.run(request.wrapped_receive())["type"] == "http.disconnect"
