"""Bridge from ASGI to WSGI that produces an answer only as fast as it is sent.

Starlette's bridge puts the whole answer into an unbounded queue: 450 clients that request a file of 4.4 MB and do not
read it take 2 GB. Here the application produces the next part after the previous one was sent, and holds a thread only
while it does so. A document that the application has in memory as a whole, as JSON is, stays one part.

The request's body is dropped as soon as the application has returned.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any, Protocol, TypeVar

from mlflow_platform_server.asgi import Message, Receive, Send

T = TypeVar("T")

# Bytes of the chunks that are made at a time. Each of MLflow's middlewares holds a part that the client does not take.
PART_BYTES = 16 * 1024

Headers = list[tuple[str, str]]


class Run(Protocol):
    """Runs a function in a thread, such as `anyio.to_thread.run_sync`."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]:
        """Run the function; callers await the result."""
        ...


class Bridge:
    """ASGI application that passes requests to a WSGI application, in threads."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        environ: Callable[[Message, bytes], dict[str, Any]],
        run: Run,
    ) -> None:
        """`environ` makes the WSGI environment of a request; `run` runs a function in a thread."""
        self._app = app
        self._environ = environ
        self._run = run

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        context = copy_context()
        exchange = _Exchange(self._app, self._environ(scope, await _body(receive)))
        try:
            part = await self._run(lambda: context.run(exchange.begin))
            await send({"type": "http.response.start", "status": exchange.status, "headers": exchange.headers})
            while not exchange.ended:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                del part
                part = await self._run(lambda: context.run(exchange.part))
            await send({"type": "http.response.body", "body": part, "more_body": False})
        finally:
            exchange.close()


class _Exchange:
    """One request to the application and its answer; all but `close` runs in threads, one after the other."""

    def __init__(self, app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> None:
        self.status = 0
        self.headers = list[tuple[bytes, bytes]]()
        self.ended = False
        self._app = app
        self._environ: dict[str, Any] | None = environ
        self._answer: Iterable[bytes] | None = None
        self._chunks: Iterator[bytes] = iter(())

    def begin(self) -> bytes:
        """Pass the request to the application; returns the first part of the answer."""
        environ, self._environ = self._environ, None
        self._answer = self._app(environ, self._start)
        del environ
        self._chunks = iter(self._answer)
        return self.part()

    def part(self) -> bytes:
        """The next part of the answer, empty if there is none."""
        chunks, size = list[bytes](), 0
        while size < PART_BYTES:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.ended = True
                self.close()
                break
            chunks.append(chunk)
            size += len(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def close(self) -> None:
        """Let the application release what it holds for the answer, such as a file."""
        answer, self._answer = self._answer, None
        self._chunks = iter(())
        if (close := getattr(answer, "close", None)) is not None:
            close()

    def _start(self, status: str, headers: Headers, _: object = None) -> None:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [
            (name.strip().lower().encode("ascii"), value.strip().encode("ascii")) for name, value in headers
        ]


async def _body(receive: Receive) -> bytes:
    parts, more = list[bytes](), True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)
