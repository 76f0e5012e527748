"""Downloads that stream: from the store to the client, a piece at a time, with nothing on the server's disk.

MLflow fetches an artifact whole into a temporary file before it sends the first byte, and where a browser asks for it
(`get-artifact`) from there into memory without a limit. Its handlers go on deciding what is sent; only how is ours.
"""

import asyncio
import json
import posixpath
import re
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import flask
from mlflow.exceptions import MlflowException
from mlflow.server.handlers import _content_disposition_attachment
from mlflow.utils.mime_type_utils import _guess_mime_type
from starlette.responses import JSONResponse, Response, StreamingResponse

from mlflow_platform_server.artifacts import Opened, ProxiedS3ArtifactRepository, UnsatisfiableRangeError
from mlflow_platform_server.bodies import Message, Receive, Send

PIECE_BYTES = 1024 * 1024
# One range; a server may ignore any other form.
_RANGE = re.compile(r"bytes=(?:\d+-\d*|-\d+)")

Handed = tuple[ProxiedS3ArtifactRepository, str]

_HANDED_OVER: ContextVar[list[Handed]] = ContextVar("mlflow_platform_handed_over")


async def response(repository: ProxiedS3ArtifactRepository, path: str, byte_range: str | None = None) -> Response:
    """Answer with an artifact, always as an attachment: a page among them must not run in the server's name."""
    if byte_range is not None and not _RANGE.fullmatch(byte_range):
        byte_range = None
    try:
        opened = await asyncio.to_thread(repository.open, path, byte_range)
    except UnsatisfiableRangeError:
        return Response(status_code=416)
    except MlflowException as error:
        return JSONResponse(json.loads(error.serialize_as_json()), error.get_http_status_code())
    headers = {
        "Content-Type": _guess_mime_type(path),
        "Content-Disposition": _content_disposition_attachment(posixpath.basename(path)),
        "X-Content-Type-Options": "nosniff",
        "Content-Length": str(opened.length),
        "Accept-Ranges": "bytes",
        "ETag": opened.etag,
        "Cache-Control": "no-cache",
    }
    if opened.content_range is not None:
        return StreamingResponse(_pieces(opened), 206, {**headers, "Content-Range": opened.content_range})
    return StreamingResponse(_pieces(opened), 200, headers)


async def _pieces(opened: Opened) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(opened.body.read, PIECE_BYTES):
            yield piece
    finally:
        opened.body.close()


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
