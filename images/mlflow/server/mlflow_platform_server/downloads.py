"""Downloads that stream from the store to the client, a piece at a time, with nothing on the server's disk.

MLflow copies an artifact into a temporary file before it sends the first byte, and for browsers (`get-artifact`) reads
that file into memory whole. MLflow's handlers still decide which artifact is sent; this module sends it.
"""

import asyncio
import json
import posixpath
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import flask
from mlflow.exceptions import MlflowException
from mlflow.server.handlers import _content_disposition_attachment
from mlflow.utils.mime_type_utils import _guess_mime_type
from starlette.responses import JSONResponse, Response, StreamingResponse

from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.byte_ranges import UnsatisfiableRangeError, span
from mlflow_platform_server.s3_artifacts import ProxiedS3ArtifactRepository, StoredObject

PIECE_BYTES = 1024 * 1024
# Bytes requested from the store at a time. With a larger request some stores read far ahead of a slow client
# (SeaweedFS 4.48 up to 1.3 GiB, until it was OOM-killed), and most close a connection that idles for minutes.
FETCH_BYTES = 8 * PIECE_BYTES

Download = tuple[ProxiedS3ArtifactRepository, str]

_DEFERRED: ContextVar[list[Download]] = ContextVar("mlflow_platform_deferred_downloads")


async def response(repository: ProxiedS3ArtifactRepository, path: str, byte_range: str | None = None) -> Response:
    """Answer with an artifact, always as an attachment: an HTML artifact must not run with the server's origin."""
    try:
        stored = await asyncio.to_thread(repository.find, path)
        part = span(byte_range, stored.size)
    except UnsatisfiableRangeError:
        return Response(status_code=416)
    except MlflowException as error:
        return JSONResponse(json.loads(error.serialize_as_json()), error.get_http_status_code())
    start, stop = part or (0, stored.size)
    headers = {
        "Content-Type": _guess_mime_type(path),
        "Content-Disposition": _content_disposition_attachment(posixpath.basename(path)),
        "X-Content-Type-Options": "nosniff",
        "Content-Length": str(stop - start),
        "Accept-Ranges": "bytes",
        "ETag": stored.etag,
        "Cache-Control": "no-cache",
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.size}"
    return StreamingResponse(_pieces(repository, stored, start, stop), 200 if part is None else 206, headers)


async def _pieces(
    repository: ProxiedS3ArtifactRepository, stored: StoredObject, start: int, stop: int
) -> AsyncIterator[bytes]:
    for begin in range(start, stop, FETCH_BYTES):
        body = await asyncio.to_thread(repository.fetch, stored, begin, min(begin + FETCH_BYTES, stop))
        try:
            while piece := await asyncio.to_thread(body.read, PIECE_BYTES):
                yield piece
        finally:
            body.close()


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


def deferring(send_artifact: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Wrap MLflow's `_send_artifact` so that artifacts of the S3 store are left to `ArtifactSender`."""

    def send(repository: Any, path: str) -> Any:
        if not isinstance(repository, ProxiedS3ArtifactRepository):
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
        deferred = list[Download]()
        _DEFERRED.set(deferred)

        async def unless_deferred(message: Message) -> None:
            if not deferred:
                await send(message)

        await self._app(scope, receive, unless_deferred)
        for repository, path in deferred:
            byte_range = dict(scope["headers"]).get(b"range", b"").decode("latin-1")
            answer = await response(repository, path, byte_range or None)
            if scope["method"] == "HEAD" and isinstance(answer, StreamingResponse):
                # The web server would drop the body, after the store has sent all of it.
                answer.body_iterator = _nothing()
            await answer(scope, receive, send)
