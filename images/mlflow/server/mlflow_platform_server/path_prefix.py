"""Serves MLflow under a URL path, for example `/clusters/demo/mlflow`.

MLflow's own `--static-prefix` is not used. With MLflow 3.17.2 and its authorization plugin 2.1.0 it has two faults:
artifact uploads below the prefix miss the route that streams them and are held in memory whole, and the plugin knows
only some of the routes below the prefix. Here the path is removed before anything else sees the request, so the
server, its authorization and its tests are the same with a path as without.
"""

from http import HTTPStatus

from mlflow_platform_server.asgi import App, Message, Receive, Send


class PathPrefix:
    """ASGI middleware that serves an application below `path`, and answers 404 elsewhere."""

    def __init__(self, app: App, path: str) -> None:
        self._app = app
        self._path = path
        self._raw_path = path.encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass on a request below the path, with the path removed; answer any other request here."""
        if scope["type"] not in {"http", "websocket"} or not self._path:
            await self._app(scope, receive, send)
            return
        path, raw_path = scope["path"], scope["raw_path"]
        # Both forms are checked: layers further in read one or the other, and they must agree.
        if path.startswith(f"{self._path}/") and raw_path.startswith(self._raw_path + b"/"):
            below = {"path": path.removeprefix(self._path), "raw_path": raw_path.removeprefix(self._raw_path)}
            await self._app({**scope, **below}, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif path == self._path and scope["method"] in {"GET", "HEAD"}:
            # The page's links are relative, so its address has to end with a slash.
            await _answer(send, HTTPStatus.PERMANENT_REDIRECT, [(b"location", self._raw_path + b"/")])
        else:
            await _answer(send, HTTPStatus.NOT_FOUND, [])


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
