"""The rest of a refused request's body is received before the answer is sent, up to a bound."""

import asyncio
from typing import Any

import pytest
import virtual_time
from asgi import Client, request
from mlflow_platform_server import answers, draining
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.draining import BRIEF_SECONDS, Draining

SENT = {"Content-Length": "4000"}
ROUTE = "POST /api/2.0/mlflow/runs/log-batch"


async def refusing(scope: Message, _: Receive, send: Send) -> None:
    """Refuses a request in flight without reading."""
    draining.stands(scope, counted=True)
    await answers.refuse(send, 413, "BAD_REQUEST", "Too large.")


def answered(client: Client, app: Any = refusing, **headers: str) -> tuple[Client, float]:  # noqa: ANN401 - ASGI
    """The client after its request, and the duration of the request in seconds."""

    async def ask() -> float:
        drained = Draining(app, most_bytes=5000, seconds=10)
        await request(drained, client, ROUTE, headers=headers or SENT)
        return asyncio.get_running_loop().time()

    return client, virtual_time.run(ask())


@pytest.mark.parametrize("headers", [SENT, {"Transfer-Encoding": "chunked"}])
def test_a_client_that_is_still_sending_is_heard_out_before_it_is_refused(headers: dict[str, str]) -> None:
    client, seconds = answered(Client([bytes(1000)] * 4, pause=1), **headers)
    assert (client.sent, client.status, client.said, seconds) == (4, 413, "Too large.", 4)


def test_a_client_that_sends_more_than_the_bound_is_answered_all_the_same() -> None:
    client, _ = answered(Client([bytes(1000)] * 100))
    assert (client.sent, client.status) == (5, 413)


def test_a_client_that_stops_is_answered_after_the_time_for_it() -> None:
    client, seconds = answered(Client([bytes(1000)], ends=False))
    assert (client.status, seconds) == (413, 10)


def test_a_client_that_sends_slowly_has_no_more_time() -> None:
    client, seconds = answered(Client([b"x"] * 100, pause=3))
    assert (client.status, seconds) == (413, 10)


def test_a_client_that_has_gone_is_not_waited_for() -> None:
    client, seconds = answered(Client([b"x"], ends=False, stays=False))
    assert (client.status, seconds) == (413, 0)


def test_a_body_that_was_read_is_not_read_again() -> None:
    async def reading(_: Message, receive: Receive, send: Send) -> None:
        await receive()
        await answers.refuse(send, 400, "BAD_REQUEST", "No.")

    client, seconds = answered(Client([b"x"]), reading)
    assert (client.status, client.sent, seconds) == (400, 1, 0)


def test_a_request_without_a_body_and_one_that_waits_for_leave_are_answered_at_once() -> None:
    for headers in ({"Host": "h"}, {"Content-Length": "0"}, {**SENT, "Expect": "100-continue"}):
        client, seconds = answered(Client([b"x"], ends=False), **headers)
        assert (client.status, client.sent, seconds) == (413, 0, 0)


def test_an_answer_that_is_no_error_is_not_held_back() -> None:
    async def early(_: Message, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client, _ = answered(Client([b"x"], ends=False), early)
    assert (client.status, client.sent) == (200, 0)


def test_a_request_that_counts_for_nobody_is_not_heard_out_for_long() -> None:
    async def uncounted(_: Message, __: Receive, send: Send) -> None:
        await answers.refuse(send, 404, "ENDPOINT_NOT_FOUND", "No such endpoint.")

    client, seconds = answered(Client([b"x"] * 100, pause=0.3), uncounted)
    assert (client.status, seconds) == (404, BRIEF_SECONDS)
