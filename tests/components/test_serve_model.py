"""The script of a model server's pods, without MLflow."""

import asyncio
import http.client
import threading
from typing import Any

import pytest

from components.serving.model_server import ALIVE, READY
from tests.components.script_modules import load

Message = dict[str, Any]
HEADERS = [(b"x-mlflow-model-name", b"fraud"), (b"x-mlflow-model-version", b"7")]


@pytest.fixture
def script() -> Any:  # noqa: ANN401 - a module that is no part of a package
    return load("serve_model")


async def answering(_scope: Message, _receive: object, send: Any) -> None:  # noqa: ANN401 - ASGI
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


def sent(script: Any) -> list[Message]:  # noqa: ANN401 - the module
    """The ASGI messages of an answer."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(script.with_headers(answering, HEADERS)({"type": "http"}, None, send))
    return messages


def test_a_pod_without_a_version_is_alive_and_not_ready(script: Any) -> None:  # noqa: ANN401 - the module
    server = script.ThreadingHTTPServer(("127.0.0.1", 0), script.Waiting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found: dict[str, int] = {}
    for path in (ALIVE, READY):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        connection.request("GET", path)
        found[path] = connection.getresponse().status
        connection.close()
    server.shutdown()
    server.server_close()
    assert found == {ALIVE: 200, READY: 503}


def test_every_answer_says_which_model_and_version_it_comes_from(script: Any) -> None:  # noqa: ANN401 - the module
    start, body = sent(script)
    assert start["headers"] == [(b"content-type", b"application/json"), *HEADERS]
    assert body == {"type": "http.response.body", "body": b"{}"}


def test_answers_of_a_pod_that_ends_close_their_connections(script: Any) -> None:  # noqa: ANN401 - the module
    script.draining.set()
    start, _ = sent(script)
    assert start["headers"][-1] == (b"connection", b"close")
