"""The MLflow server below a path of its host, for example `/clusters/demo/mlflow`.

Not MLflow's own `--static-prefix`, for two reasons seen in MLflow 3.17.2 and its authorisation plugin 2.1.0: uploads of
artifacts below the prefix leave the route that streams them and are held in memory as a whole, and the plugin knows
only some of the routes below the prefix. Here the path is taken off before anything looks at a request, so that the
server, its authorisation and its tests are the same with a path as without.
"""

from http import HTTPStatus

from mlflow_platform_server.bodies import Message, Receive, Send
from mlflow_platform_server.door import App


class BelowPath:
    """ASGI middleware that serves an application below `path`, and nothing beside it."""

    def __init__(self, app: App, path: str) -> None:
        self._app = app
        self._path = path
        self._raw_path = path.encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request below the path on, without it; answer any other here."""
        if scope["type"] not in {"http", "websocket"} or not self._path:
            await self._app(scope, receive, send)
            return
        path, raw_path = scope["path"], scope["raw_path"]
        # Both forms, or one of them could be read as a path that the other is not.
        if path.startswith(f"{self._path}/") and raw_path.startswith(self._raw_path + b"/"):
            below = {"path": path.removeprefix(self._path), "raw_path": raw_path.removeprefix(self._raw_path)}
            await self._app({**scope, **below}, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif path == self._path and scope["method"] in {"GET", "HEAD"}:
            # The page names its files relatively, so its address has to end with a slash.
            await _answer(send, HTTPStatus.PERMANENT_REDIRECT, [(b"location", self._raw_path + b"/")])
        else:
            await _answer(send, HTTPStatus.NOT_FOUND, [])


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
