"""Downloads that stream from the store to the client, a piece at a time, with nothing on the server's disk.

MLflow copies an artifact into a temporary file before it sends the first byte, and for browsers (`get-artifact`) reads
that file into memory whole. MLflow's handlers still decide which artifact is sent; this module sends it.

A client that reads slowly, or not at all, holds one piece in memory. It holds no thread, and soon no connection to the
store: when it reads on, the rest is requested from the store again.
"""

import json
import posixpath
from collections.abc import Callable
from contextlib import ExitStack, aclosing, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any

import flask
from mlflow.exceptions import MlflowException
from mlflow.server.handlers import _content_disposition_attachment
from mlflow.utils.mime_type_utils import _guess_mime_type
from starlette.responses import JSONResponse, Response, StreamingResponse

from mlflow_platform_server import delivery, outflow, transfer_refusals, transfers
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.byte_ranges import UnsatisfiableRangeError, span
from mlflow_platform_server.s3_artifacts import ProxiedS3ArtifactRepository
from mlflow_platform_server.shares import BusyError
from mlflow_platform_server.stored_objects import Source, StoredObject
from mlflow_platform_server.volume_artifacts import ConfinedFileArtifactRepository

OWN = (ProxiedS3ArtifactRepository, ConfinedFileArtifactRepository)

_DEFERRED: ContextVar[list[tuple[Source, str]]] = ContextVar("mlflow_platform_deferred_downloads")


class Download(Response):
    """An artifact, always as an attachment: an HTML artifact must not run with the server's origin."""

    def __init__(self, repository: Source, path: str, byte_range: str | None = None) -> None:
        super().__init__()
        self._repository = repository
        self._path = path
        self._range = byte_range

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Send the artifact, or the reason why not."""
        shared, party = transfers.of_worker(), transfers.party()
        with ExitStack() as held:
            try:
                place = held.enter_context(await shared.places.take(party, seconds=shared.queue_seconds))
                stored = await shared.calls.run(party, shared.queue_seconds, self._repository.find, self._path)
                answer, start, stop = self._answer(stored)
                memory = held.enter_context(
                    await shared.memory.take(party, outflow.units(stop - start), seconds=shared.queue_seconds)
                )
            except BusyError as error:
                await transfer_refusals.refuse(scope, send, error)
                return
            except UnsatisfiableRangeError:
                await Response(status_code=416)(scope, receive, send)
                return
            except MlflowException as error:
                refusal = JSONResponse(json.loads(error.serialize_as_json()), error.get_http_status_code())
                await refusal(scope, receive, send)
                return
            if scope["method"] == "HEAD":
                # The web server would drop the body, after the store has sent all of it.
                start = stop
            flow = outflow.Outflow(shared, place, memory, delivery.bounds_itself())
            # At a failure the connection is closed: the answer has begun, so nothing else can be said.
            with suppress(outflow.StalledError, BusyError):
                async with aclosing(flow.pieces(partial(self._repository.fetch, stored), start, stop)) as pieces:
                    answer.body_iterator = pieces
                    await answer(scope, receive, flow.paced(send))

    def _answer(self, stored: StoredObject) -> tuple[StreamingResponse, int, int]:
        """The head of the answer, and the range of bytes in its body."""
        part = span(self._range, stored.size)
        start, stop = part or (0, stored.size)
        headers = {
            "Content-Type": _guess_mime_type(self._path),
            "Content-Disposition": _content_disposition_attachment(posixpath.basename(self._path)),
            "X-Content-Type-Options": "nosniff",
            "Content-Length": str(stop - start),
            "Accept-Ranges": "bytes",
            "ETag": stored.etag,
            "Cache-Control": "no-cache",
        }
        if part is not None:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.size}"
        return StreamingResponse((), 200 if part is None else 206, headers), start, stop


def deferring(send_artifact: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Wrap MLflow's `_send_artifact` so that artifacts of our stores are left to `ArtifactSender`."""

    def send(repository: Any, path: str) -> Any:
        if not isinstance(repository, OWN):
            return send_artifact(repository, path)
        _DEFERRED.get().append((repository, path))
        return flask.Response()

    return send


class ArtifactSender:
    """ASGI middleware around MLflow's Flask application that streams the artifacts its handlers deferred.

    A Flask handler that sent an artifact itself would hold a thread for as long as the slowest client takes.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        deferred = list[tuple[Source, str]]()
        _DEFERRED.set(deferred)

        async def unless_deferred(message: Message) -> None:
            if not deferred:
                await send(message)

        await self._app(scope, receive, unless_deferred)
        for repository, path in deferred:
            byte_range = dict(scope["headers"]).get(b"range", b"").decode("latin-1")
            await Download(repository, path, byte_range or None)(scope, receive, send)
