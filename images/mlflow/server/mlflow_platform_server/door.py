"""The outermost layer of the server: each request is looked at here before MLflow and its plugin see it."""

import asyncio
import contextvars
import json
import re
from collections.abc import Awaitable, Callable

from mlflow_platform_server import bodies, identity
from mlflow_platform_server.bodies import Message, Receive, Send

App = Callable[[Message, Receive, Send], Awaitable[None]]

_UPLOAD = re.compile(r"(?:/.*)?/(?:ajax-)?api/2\.0/mlflow-artifacts/artifacts/.+")
# Sixteen reads of a socket.
PIECE_BYTES = 1024 * 1024


class Door:
    """An ASGI application around another: believes, strips and bounds what comes in."""

    def __init__(self, app: App, convention: identity.Convention) -> None:
        self._app = app
        self._convention = convention

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let one request in, or answer it here."""
        if scope["type"] != "http":
            # The start and end of the server; MLflow refuses WebSockets by itself.
            await self._app(scope, receive, send)
            return
        headers = list(scope["headers"])
        if (reason := identity.refusal(headers, self._convention)) is not None:
            await _answer(send, 403, "PERMISSION_DENIED", reason)
            return
        headers = identity.without_credentials(headers, self._convention)
        if scope["method"] == "PUT" and _UPLOAD.fullmatch(scope["path"]):
            # By any other type than JSON: the plugin would take a whole JSON document into memory to look into it.
            headers = [(name, value) for name, value in headers if name != b"content-type"]
            headers.append((b"content-type", b"application/octet-stream"))
            receive = bodies.in_larger_pieces(receive, size=PIECE_BYTES)
        elif bodies.has_body(headers):
            try:
                body = await bodies.read_whole(headers, receive)
            except bodies.TooLargeError:
                reason = f"The body has more than {bodies.LIMIT_BYTES} bytes; large files are uploaded as artifacts."
                await _answer(send, 413, "BAD_REQUEST", reason)
                return
            except bodies.CutShortError:
                return
            receive = bodies.replay(body, receive)
        await _in_its_own_context(self._app, {**scope, "headers": headers}, receive, send)


async def _in_its_own_context(app: App, scope: Message, receive: Receive, send: Send) -> None:
    """Run a request with no context variable set.

    asyncio resumes reading a connection in the context of the request that had paused it, and so begins the next
    request on that connection in the workspace of the one before.
    """
    await asyncio.get_running_loop().create_task(app(scope, receive, send), context=contextvars.Context())  # type: ignore[arg-type]


async def _answer(send: Send, status: int, code: str, message: str) -> None:
    content = json.dumps({"error_code": code, "message": message}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        # What the client may still be sending is not read.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
