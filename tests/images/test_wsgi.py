"""The bridge to MLflow's Flask application makes an answer as fast as it is sent."""

import asyncio
import io
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

import pytest
from asgi import Client, request
from mlflow_platform_server.asgi import Message
from mlflow_platform_server.wsgi import PART_BYTES, Bridge

T = TypeVar("T")
ROUTE = "POST /api/2.0/mlflow/runs/search"
CHUNK = 8192


class Application:
    """A WSGI application that answers with chunks, and records the calls."""

    def __init__(self, chunks: Iterable[bytes], status: str = "200 OK") -> None:
        self.chunks = chunks
        self.status = status
        self.made = 0
        self.closed = False
        self.environ: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> "Application":
        """Answer a request."""
        self.environ = {"body": environ["wsgi.input"].read(), "input": weakref.ref(environ["wsgi.input"])}
        start(self.status, [("Content-Type", " text/plain ")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        """Make the chunks."""
        for chunk in self.chunks:
            self.made += len(chunk)
            yield chunk

    def close(self) -> None:
        """Record the call."""
        self.closed = True


async def in_thread(call: Callable[[], T], /) -> T:
    return await asyncio.to_thread(call)


def bridged(app: Any) -> Bridge:  # noqa: ANN401 - WSGI
    return Bridge(app, lambda _, body: {"wsgi.input": io.BytesIO(body)}, in_thread)


def answered(app: Application, client: Client | None = None) -> Client:
    return asyncio.run(request(bridged(app), client or Client([b"one ", b"two"]), ROUTE))


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [b""],
        [b"{}"],
        [b"x" * 10 * PART_BYTES],
        [b"a" * CHUNK] * 20,
        [b"x", b"", b"y" * PART_BYTES, b"z"],
        [b"1" * PART_BYTES] * 2,
    ],
    ids=["none", "empty", "a document", "a large document", "a file", "uneven", "even"],
)
def test_an_answer_arrives_whole(chunks: list[bytes]) -> None:
    app = Application(chunks, "201 CREATED")
    client = answered(app)
    assert app.environ["body"] == b"one two"
    assert client.messages[0] == {
        "type": "http.response.start",
        "status": 201,
        "headers": [(b"content-type", b"text/plain")],
    }
    assert b"".join(message["body"] for message in client.messages[1:]) == b"".join(chunks)
    assert [message["more_body"] for message in client.messages[1:]] == [True] * (len(client.messages) - 2) + [False]
    assert app.closed


def test_a_document_is_one_part() -> None:
    assert len(answered(Application([b"{}"])).messages) == 2


class Slow(Client):
    """A client that takes the beginning of an answer and nothing more."""

    async def send(self, message: Message) -> None:
        """Take one message."""
        if len(self.messages) == 2:
            await asyncio.get_running_loop().create_future()
        await super().send(message)


def test_a_client_that_does_not_read_makes_the_application_stop_and_is_forgotten_with_the_file() -> None:
    async def play() -> None:
        app = Application(bytes(CHUNK) for _ in range(1000))
        asked = asyncio.create_task(request(bridged(app), Slow(), ROUTE))
        await asyncio.sleep(0.2)
        assert app.made == 2 * PART_BYTES
        assert app.environ["input"]() is None
        assert not app.closed
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert app.closed

    asyncio.run(play())


def test_an_application_that_fails_fails() -> None:
    def failing(_: object, __: object) -> Iterable[bytes]:
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(request(bridged(failing), Client(), ROUTE))


def test_an_answer_that_fails_half_way_is_closed() -> None:
    def chunks() -> Iterator[bytes]:
        yield bytes(PART_BYTES)
        raise LookupError

    app = Application(chunks())
    client = Client()
    with pytest.raises(LookupError):
        answered(app, client)
    assert len(client.messages) == 2
    assert app.closed


def test_all_parts_are_made_in_the_scope_of_the_request() -> None:
    variable = ContextVar("variable", default=0)
    seen = list[int]()

    def chunks() -> Iterator[bytes]:
        for _ in range(4):
            seen.append(variable.get())
            variable.set(variable.get() + 1)
            yield bytes(PART_BYTES)

    async def play() -> None:
        variable.set(5)
        await request(bridged(Application(chunks())), Client(), ROUTE)
        assert variable.get() == 5

    asyncio.run(play())
    assert seen == [5, 6, 7, 8]
