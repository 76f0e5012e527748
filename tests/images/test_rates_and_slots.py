"""The layers that hold and refuse requests, around an application that the tests control."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import virtual_time
from asgi import reader_of
from mlflow_platform_server import bounds
from mlflow_platform_server.asgi import App
from mlflow_platform_server.delivery import Delivery
from mlflow_platform_server.demand import ASKING_SECONDS
from mlflow_platform_server.fairness import Fairness
from mlflow_platform_server.rates import Rates
from mlflow_platform_server.scope import KEY, Caller, RequestFacts
from mlflow_platform_server.shares import Shares, Terms
from mlflow_platform_server.slots import Slots

from settings.schema.bounds import Bounds

ROUTE = "POST /api/2.0/mlflow/runs/log-batch"
UPLOAD = "PUT /api/2.0/mlflow-artifacts/artifacts/<path:artifact_path>"


class Answer:
    """The messages that a client receives."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    async def __call__(self, message: Any) -> None:  # noqa: ANN401 - ASGI
        """Receive a message."""
        self.messages.append(message)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.messages[0]["status"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers."""
        return dict(self.messages[0]["headers"])

    @property
    def document(self) -> dict[str, str]:
        """The body."""
        return json.loads(self.messages[1]["body"])


class Server:
    """Both layers, around an application that begins and ends its answers when the test says so."""

    def __init__(self, slots: int = 4, **changed: int) -> None:
        values = {**Bounds().model_dump(), **changed}
        self.fairness = Fairness(bounds.read(json.dumps(values)), slots)
        limited = Rates(Slots(self.app, self.fairness), self.fairness)
        self.layers: App = Delivery(limited, seconds=20, memory=Shares(Terms(capacity=1)), connection=reader_of)
        self.working = 0
        self.answers = asyncio.Event()
        self.ends = asyncio.Event()
        self.ends.set()

    async def app(self, _: Any, __: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer a request."""
        self.working += 1
        await self.answers.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await self.ends.wait()
        await send({"type": "http.response.body", "body": b""})

    async def ask(
        self, team: str | None = "team-a", user: str | None = "alice", route: str = ROUTE, path: str = "/api"
    ) -> tuple[Answer, RequestFacts]:
        """Send a request and wait for its end."""
        caller = None if user is None else Caller(user=user)
        found = RequestFacts(id="1", route=route, workspace=team, caller=caller)
        answer = Answer()
        await self.layers({"type": "http", "path": path, KEY: found}, unread, answer)
        return answer, found

    def asks(self, count: int = 1, **request: Any) -> list[asyncio.Task[tuple[Answer, RequestFacts]]]:  # noqa: ANN401
        """Send equal requests at once."""
        return [asyncio.ensure_future(self.ask(**request)) for _ in range(count)]


async def unread() -> Any:  # noqa: ANN401 - ASGI
    raise AssertionError("the layers read no body")


async def settled() -> None:
    """Wait until no request can proceed."""
    for _ in range(20):
        await asyncio.sleep(0)


def run(steps: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(steps())


def test_requests_beyond_the_slots_wait_and_are_all_answered() -> None:
    async def steps() -> None:
        server = Server(slots=4)
        requests = server.asks(10)
        await settled()
        assert server.working == 3
        server.answers.set()
        answers = await asyncio.gather(*requests)
        assert [answer.status for answer, _ in answers] == [200] * 10
        assert server.fairness.turns.free == 4

    run(steps)


def test_a_request_gives_its_slot_back_when_its_answer_begins() -> None:
    """A client that reads slowly holds no slot."""

    async def steps() -> None:
        server = Server(slots=4)
        server.answers.set()
        server.ends.clear()
        requests = server.asks(10)
        await settled()
        assert server.working == 10
        assert server.fairness.turns.free == 4
        server.ends.set()
        await asyncio.gather(*requests)

    run(steps)


@pytest.mark.parametrize(
    "request_",
    [{"route": UPLOAD}, {"path": "/health", "user": None}, {"path": "/static-files/x.js"}],
    ids=["an upload", "a probe", "a static file"],
)
def test_what_needs_no_slot_waits_for_none(request_: dict[str, Any]) -> None:
    async def steps() -> None:
        server = Server(slots=1)
        server.asks(5)
        await settled()
        assert server.working == 1
        other = server.asks(5, **request_)
        await settled()
        assert server.working == 6
        server.answers.set()
        await asyncio.gather(*other)

    run(steps)


def test_an_application_that_fails_gives_its_slot_back() -> None:
    async def steps() -> None:
        server = Server(slots=1)

        async def failing(*_: Any) -> None:  # noqa: ANN401 - ASGI
            message = "failed"
            raise ValueError(message)

        layers = Slots(failing, server.fairness)
        for _ in range(3):
            with pytest.raises(ValueError, match="failed"):
                await layers(
                    {"type": "http", "path": "/api", KEY: RequestFacts(id="1", caller=Caller(user="x"))},
                    unread,
                    Answer(),
                )
        assert server.fairness.turns.free == 1

    run(steps)


def test_a_waiting_request_that_is_cancelled_leaves_the_line() -> None:
    async def steps() -> None:
        server = Server(slots=1)
        running, waiting, last = server.asks(3)
        await settled()
        waiting.cancel()
        await settled()
        server.answers.set()
        await asyncio.gather(running, last)
        assert server.working == 2
        assert server.fairness.turns.free == 1

    run(steps)


def test_a_request_that_is_cancelled_at_the_moment_of_its_turn_gives_its_slot_back() -> None:
    async def steps() -> None:
        server = Server(slots=1)
        others: list[asyncio.Task[Any]] = []

        async def cancels(_: Any) -> None:  # noqa: ANN401 - ASGI
            others[0].cancel()

        found = RequestFacts(id="1", workspace="team-a", caller=Caller(user="alice"))
        first = asyncio.ensure_future(server.layers({"type": "http", "path": "/api", KEY: found}, unread, cancels))
        await settled()
        others += server.asks(1)
        await settled()
        server.answers.set()
        await asyncio.gather(first, *others, return_exceptions=True)
        assert others[0].cancelled()
        assert server.fairness.turns.free == 1

    run(steps)


def test_held_requests_that_are_cancelled_make_room_for_others() -> None:
    async def steps() -> None:
        server = Server(team_requests_per_second=1, queued_requests=8, queue_seconds=100)
        server.answers.set()
        await server.ask(team="team-b", user="bob")
        await server.ask()
        for _ in range(20):
            (held,) = server.asks(1)
            await settled()
            assert not held.done()
            held.cancel()
            await settled()

    run(steps)


def test_requests_whose_bodies_are_still_read_count_for_the_slots_that_they_will_need() -> None:
    async def steps() -> None:
        server = Server(slots=4)
        idle: list[int] = []

        async def reads_body(*request: Any) -> None:  # noqa: ANN401 - ASGI
            idle.append(server.fairness.turns.idle())
            await Slots(server.app, server.fairness)(*request)

        server.layers = Rates(reads_body, server.fairness)
        requests = server.asks(3)
        await settled()
        assert idle == [2, 1, 0]
        server.answers.set()
        await asyncio.gather(*requests)
        assert server.fairness.turns.idle() == 3

    run(steps)


def test_waiting_requests_get_idle_slots_when_the_others_have_stopped() -> None:
    async def steps() -> None:
        server = Server(slots=16, slots_percent=15, queue_seconds=60)
        server.fairness.clock = asyncio.get_running_loop().time
        server.layers = Rates(Slots(server.app, server.fairness), server.fairness)
        server.answers.set()
        await server.ask(team="team-b", user="bob")
        server.answers.clear()
        requests = server.asks(10)
        await asyncio.sleep(1)
        assert server.working == 1 + 2
        # Nothing else happens meanwhile: no request comes, and none ends.
        await asyncio.sleep(ASKING_SECONDS)
        assert server.working == 1 + 10
        server.answers.set()
        await asyncio.gather(*requests)

    virtual_time.run(steps())


def test_a_refused_request_hears_which_bound_it_reached_and_when_to_come_again() -> None:
    async def steps() -> None:
        server = Server(team_requests_per_second=10, queue_seconds=1)
        server.fairness.clock = asyncio.get_running_loop().time
        server.layers = Rates(Slots(server.app, server.fairness), server.fairness)
        server.answers.set()
        await server.ask(team="team-b", user="bob")
        # More than a burst and one second of the rate.
        requests = server.asks(100)
        done, _ = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
        await settled()
        refused = [task.result() for task in requests if task.done() and task.result()[0].status != 200]
        assert done
        answer, found = refused[0]
        assert answer.status == 429
        assert answer.document["error_code"] == "REQUEST_LIMIT_EXCEEDED"
        assert "10/s of a team (server.bounds.teamRequestsPerSecond)" in answer.document["message"]
        assert found.refused_by == "limits"
        seconds = [int(answer.headers[b"retry-after"]) for answer, _ in refused]
        # Each comes half a second after the one before, and none at once.
        assert 1 <= min(seconds) <= 3
        assert len(seconds) / 2 - 2 <= max(seconds) <= len(seconds) / 2 + 2
        for task in requests:
            task.cancel()

    virtual_time.run(steps())


def test_a_request_that_finds_no_slot_in_time_hears_that_the_server_is_busy() -> None:
    async def steps() -> None:
        server = Server(slots=1, queue_seconds=0)
        running = server.asks(1, team="team-b")
        await settled()
        answer, found = await server.ask()
        assert (answer.status, found.refused_by) == (503, "limits")
        assert answer.document["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert "server.bounds.queueSeconds" in answer.document["message"]
        assert int(answer.headers[b"retry-after"]) >= 1
        server.answers.set()
        await asyncio.gather(*running)
        assert server.fairness.turns.free == 1

    run(steps)


def test_requests_without_a_workspace_count_for_their_caller() -> None:
    async def steps() -> None:
        server = Server(slots=4)
        listing = server.asks(10, team=None)
        await settled()
        assert server.working == 3
        server.asks(1, team=None, user="bob")
        await settled()
        assert server.working == 4
        server.answers.set()
        await asyncio.gather(*listing)

    run(steps)


def test_the_log_names_a_limited_team_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async def steps() -> None:
        now = 0.0
        server = Server(slots=1, queue_seconds=0)
        server.fairness.clock = lambda: now
        server.layers = Rates(Slots(server.app, server.fairness), server.fairness)
        running = server.asks(1, team="team-b")
        await settled()
        for later in (0, 59, 1.5):
            now += later
            await asyncio.gather(*server.asks(3))
        server.answers.set()
        await asyncio.gather(*running)

    with caplog.at_level(logging.WARNING):
        run(steps)
    lines = [record.getMessage() for record in caplog.records if "team-a" in record.getMessage()]
    assert len(lines) == 2
    assert "is being limited" in lines[0]
