"""A test of a webhook waits for the receiver without a thread, and a team has only a few of them at a time."""

import asyncio
import json
import threading
from collections.abc import Awaitable
from concurrent.futures import Future

import pytest
from mlflow_platform_server import scope, webhook_tests
from mlflow_platform_server.asgi import Message, Receive, Send
from mlflow_platform_server.webhook_tests import MOST_TESTS, WebhookTests

TEST = "POST /api/2.0/mlflow/webhooks/<webhook_id>/test"
OTHER = "GET /api/2.0/mlflow/webhooks/<webhook_id>"


LONGEST_SECONDS = 10


class Server:
    """MLflow, whose handler begins a test and answers with a result that clients must not see."""

    def __init__(self) -> None:
        self.tests: list[Future[str]] = []
        self.begun = threading.Semaphore(0)
        self.missing = False

    async def __call__(self, _: Message, __: Receive, send: Send) -> None:
        """Serve one request."""
        if self.missing:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"none"})
            return
        # As in MLflow, the handler runs in a thread with the request's context.
        await asyncio.to_thread(self._handle)
        headers = [(b"content-type", b"application/json"), (b"Content-Length", b"11")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"placeholder"})

    def _handle(self) -> None:
        def begin(_: object, __: object) -> Future[str]:
            self.tests.append(Future())
            self.begun.release()
            return self.tests[-1]

        assert webhook_tests.deferring(begin, lambda: "placeholder")("webhook") == "placeholder"


class Platform:
    """The layer around a server, and requests to it."""

    def __init__(self, seconds: float = 60) -> None:
        self.server = Server()
        self.layer = WebhookTests(
            self.server, seconds=seconds, body=lambda result: json.dumps(result).encode(), failure=lambda text: text
        )
        self.facts: list[scope.RequestFacts] = []

    async def ask(self, workspace: str = "team-a", route: str = TEST) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers and body of the answer to a request."""
        messages: list[Message] = []

        async def send(message: Message) -> None:
            messages.append(message)

        async def receive() -> Message:
            raise AssertionError

        self.facts.append(scope.RequestFacts(id="1", route=route))
        with scope.bind(scope.Scope(name="1", workspace=workspace)):
            await self.layer({"type": "http", scope.KEY: self.facts[-1]}, receive, send)
        start, *bodies = messages
        return start["status"], dict(start["headers"]), b"".join(body["body"] for body in bodies)

    async def begun(self, number: int) -> None:
        """Wait until this number of further tests have begun."""
        for _ in range(number):
            assert await asyncio.to_thread(self.server.begun.acquire, timeout=LONGEST_SECONDS)


def run(work: Awaitable[None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work, LONGEST_SECONDS)

    asyncio.run(bounded())


def test_the_result_of_the_delivery_takes_the_place_of_the_handlers() -> None:
    async def work() -> None:
        platform = Platform()
        request = asyncio.create_task(platform.ask())
        await platform.begun(1)
        assert not request.done()
        platform.server.tests[0].set_result("delivered")
        expected = {b"content-type": b"application/json", b"content-length": b"11"}
        assert await request == (200, expected, b'"delivered"')

    run(work())


def test_an_answer_without_a_delivery_is_the_servers() -> None:
    async def work() -> None:
        platform = Platform()
        platform.server.missing = True
        assert await platform.ask() == (404, {b"content-length": b"4"}, b"none")

    run(work())


def test_more_tests_of_a_team_are_refused_until_one_ends() -> None:
    async def work() -> None:
        platform = Platform()
        running = [asyncio.create_task(platform.ask()) for _ in range(MOST_TESTS)]
        await platform.begun(MOST_TESTS)
        status, headers, body = await platform.ask()
        assert (status, json.loads(body)["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
        assert int(headers[b"retry-after"]) > 0
        assert platform.facts[-1].refused_by == "limits"
        other = asyncio.create_task(platform.ask("team-b"))
        await platform.begun(1)
        platform.server.tests[0].set_result("first")
        assert (await running[0])[2] == b'"first"'
        again = asyncio.create_task(platform.ask())
        await platform.begun(1)
        for test in platform.server.tests[1:]:
            test.set_result("last")
        assert [(await request)[0] for request in (*running[1:], other, again)] == [200] * (MOST_TESTS + 1)

    run(work())


def test_other_requests_pass_while_tests_run() -> None:
    async def work() -> None:
        platform = Platform()
        running = [asyncio.create_task(platform.ask()) for _ in range(MOST_TESTS)]
        await platform.begun(MOST_TESTS)
        platform.server.missing = True
        assert (await platform.ask(route=OTHER))[0] == 404
        for test in platform.server.tests:
            test.set_result("done")
        await asyncio.gather(*running)

    run(work())


def test_a_test_that_never_gets_a_thread_ends_and_is_not_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_tests, "GRACE_SECONDS", 0)

    async def work() -> None:
        platform = Platform(seconds=0.05)
        status, _, body = await platform.ask()
        assert (status, b"waited for other deliveries" in body) == (200, True)
        assert platform.server.tests[0].cancelled()

    run(work())


def test_a_dropped_test_says_so() -> None:
    async def work() -> None:
        platform = Platform()
        request = asyncio.create_task(platform.ask())
        await platform.begun(1)
        platform.server.tests[0].set_exception(RuntimeError("dropped"))
        assert (await request)[2] == b'"dropped"'

    run(work())
