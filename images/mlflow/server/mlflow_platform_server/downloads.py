"""Downloads that stream: from the store to the client, a piece at a time, with nothing on the server's disk.

MLflow fetches an artifact whole into a temporary file before it sends the first byte, and where a browser asks for it
(`get-artifact`) from there into memory without a limit. Its handlers go on deciding what is sent; only how is ours.
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

from mlflow_platform_server.artifacts import Found, ProxiedS3ArtifactRepository
from mlflow_platform_server.bodies import Message, Receive, Send
from mlflow_platform_server.ranges import UnsatisfiableRangeError, span

PIECE_BYTES = 1024 * 1024
# The store is asked for this much at a time: some read ahead of a slow client whatever they were asked for (SeaweedFS
# 4.48 up to 1.3 GiB, and was killed for it), and none likes a connection that is idle for minutes.
FETCH_BYTES = 8 * PIECE_BYTES

Handed = tuple[ProxiedS3ArtifactRepository, str]

_HANDED_OVER: ContextVar[list[Handed]] = ContextVar("mlflow_platform_handed_over")


async def response(repository: ProxiedS3ArtifactRepository, path: str, byte_range: str | None = None) -> Response:
    """Answer with an artifact, always as an attachment: a page among them must not run in the server's name."""
    try:
        found = await asyncio.to_thread(repository.find, path)
        part = span(byte_range, found.size)
    except UnsatisfiableRangeError:
        return Response(status_code=416)
    except MlflowException as error:
        return JSONResponse(json.loads(error.serialize_as_json()), error.get_http_status_code())
    start, stop = part or (0, found.size)
    headers = {
        "Content-Type": _guess_mime_type(path),
        "Content-Disposition": _content_disposition_attachment(posixpath.basename(path)),
        "X-Content-Type-Options": "nosniff",
        "Content-Length": str(stop - start),
        "Accept-Ranges": "bytes",
        "ETag": found.etag,
        "Cache-Control": "no-cache",
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{found.size}"
    return StreamingResponse(_pieces(repository, found, start, stop), 200 if part is None else 206, headers)


async def _pieces(repository: ProxiedS3ArtifactRepository, found: Found, start: int, stop: int) -> AsyncIterator[bytes]:
    for begin in range(start, stop, FETCH_BYTES):
        body = await asyncio.to_thread(repository.fetch, found, begin, min(begin + FETCH_BYTES, stop))
        try:
            while piece := await asyncio.to_thread(body.read, PIECE_BYTES):
                yield piece
        finally:
            body.close()


def handing_over(send_artifact: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """MLflow's `_send_artifact`, but for artifacts of the store, which `Taker` sends."""

    def send(repository: Any, path: str) -> Any:
        if not isinstance(repository, ProxiedS3ArtifactRepository):
            return send_artifact(repository, path)
        _HANDED_OVER.get().append((repository, path))
        return flask.Response()

    return send


class Taker:
    """MLflow's Flask application as an ASGI application that sends what its handlers hand over.

    A handler that sent it by itself would hold one of the forty threads for as long as the slowest client takes.
    """

    def __init__(self, app: Callable[[Message, Receive, Send], Any]) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        handed = list[Handed]()
        _HANDED_OVER.set(handed)

        async def unless_handed_over(message: Message) -> None:
            if not handed:
                await send(message)

        await self._app(scope, receive, unless_handed_over)
        for repository, path in handed:
            byte_range = dict(scope["headers"]).get(b"range", b"").decode("latin-1")
            await (await response(repository, path, byte_range or None))(scope, receive, send)
