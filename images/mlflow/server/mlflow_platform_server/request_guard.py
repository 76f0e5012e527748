"""The request guard: validates identity headers, strips credentials, refuses ambiguous requests.

It sees every request before MLflow and its authorization plugin do, and reads no body: the caller is identified by the
headers alone.
"""

import asyncio
import contextvars

from mlflow_platform_server import answers, delivery, known_identities, request_identity
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.request_identity import IdentityHeaders
from mlflow_platform_server.scope import facts

GRAPHQL = "/graphql"


class RequestGuard:
    """ASGI middleware that refuses forged and ambiguous requests and passes the rest on without credentials."""

    def __init__(self, app: App, identity_headers: IdentityHeaders) -> None:
        self._app = app
        self._identity_headers = identity_headers

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it."""
        if scope["type"] != "http":
            # Start and stop of the server. WebSockets are refused by MLflow itself.
            await self._app(scope, receive, send)
            return
        found = facts(scope)
        identified = request_identity.identify(scope["headers"], self._identity_headers, known_identities.known())
        found.caller = identified.caller
        for layer, reason in (("identity", identified.refusal), ("routes", _ambiguity(scope))):
            if reason is not None:
                found.refused_by = layer
                await answers.refuse(send, 403, "PERMISSION_DENIED", reason)
                return
        headers = request_identity.passed_on(scope["headers"], self._identity_headers, identified.caller)
        await in_fresh_context(self._app, {**scope, "headers": headers}, receive, send)


def _ambiguity(scope: Message) -> str | None:
    """Reason to refuse a GraphQL request that has a query string in its URL; None for all other requests.

    The authorization plugin 2.1.0 checks the query in the URL if there is one, but MLflow executes the one in the body.
    With a harmless query in the URL, anybody could read the runs of every team. Clients and MLflow's pages only send a
    body. Other methods than POST, and other spellings of the path, are refused earlier: they are not in the list of
    routes.
    """
    if scope["path"] == GRAPHQL and scope["query_string"]:
        return "Send GraphQL queries in the body, and no query string in the URL."
    return None


async def in_fresh_context(app: App, scope: Message, receive: Receive, send: Send) -> None:
    """Run a request with no context variables set, except for its answer.

    asyncio resumes reading a connection in the context of the request that had paused it. The next request on that
    connection would start in the workspace of the previous one.
    """
    context = contextvars.Context()
    delivery.carry(context)
    await asyncio.get_running_loop().create_task(app(scope, receive, send), context=context)  # type: ignore[arg-type]
