"""Bodies that were read: drops the copies that Starlette and the authorization plugin keep until the answer is sent.

The memory of a body is released when the answer begins (`room.py`). By then nobody needs these copies: the one that
Starlette replays after the plugin has read the body, and in the plugin's state the text and the document.
"""

from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

from mlflow_platform_server import delivery
from mlflow_platform_server.asgi import App, Message, Receive, Send

# Fields of the request that the plugin keeps with its decision.
FIELDS = ("json_body", "graphql_payload")


class ReadBodies:
    """ASGI middleware behind the plugin; it drops the plugin's copies of a body when the answer begins."""

    def __init__(self, app: App, *, decision: Callable[[], Any], kept: tuple[str, ...]) -> None:
        """`decision` returns the plugin's result for the running request, or None; `kept` are keys of its state."""
        self._app = app
        self._decision = decision
        self._kept = kept

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            delivery.when_begun(partial(self._drop, scope.get("state") or {}, self._decision()))
        await self._app(scope, receive, send)

    def _drop(self, state: MutableMapping[str, Any], decision: Any) -> None:
        for key in self._kept:
            state.pop(key, None)
        if decision is not None:
            for name in FIELDS:
                # The plugin's class is frozen.
                object.__setattr__(decision.request_context, name, None)


def replay_once(request: Any) -> None:
    """Let Starlette's class of requests (`middleware.base._CachedRequest`) drop a body after it has replayed it."""
    replay = request.wrapped_receive

    async def once(self: Any) -> Message:
        message: Message = await replay(self)
        if self._wrapped_rcv_consumed:
            self._body = b""
        return message

    request.wrapped_receive = once
