"""Agreement: refuses a request unless `admission.py` and the authorization plugin found the same workspace and caller.

It is the innermost layer in front of MLflow's routes. Admission and the plugin each read the workspace and the caller
from the request by themselves.
"""

import logging
from collections.abc import Callable
from typing import Any, Protocol

from mlflow_platform_server import answers, open_paths, scope
from mlflow_platform_server.asgi import App, Message, Receive, Send

_logger = logging.getLogger(__name__)


class Identity(Protocol):
    """The caller that the plugin found in the request: either a token, or a name and groups."""

    token: str | None
    user: str | None
    groups: tuple[str, ...]


class Agreement:
    """ASGI middleware behind the plugin; it refuses a request if admission and plugin differ on workspace or caller."""

    def __init__(self, app: App, *, decision: Callable[[], Any], only_namespace: str | None = None) -> None:
        """`decision` returns the plugin's result for the running request, or None."""
        self._app = app
        self._decision = decision
        self._only_namespace = only_namespace

    async def __call__(self, asgi_scope: Message, receive: Receive, send: Send) -> None:
        """Pass on a request if admission and the plugin found the same workspace and the same caller."""
        if asgi_scope["type"] == "http" and (reason := self._disagreement(asgi_scope["path"])) is not None:
            scope.facts(asgi_scope).refused_by = "agreement"
            _logger.error("Refused %s %s: %s", asgi_scope["method"], asgi_scope["path"], reason)
            await answers.refuse(send, 500, "INTERNAL_ERROR", "The server's access checks disagree about this request.")
            return
        await self._app(asgi_scope, receive, send)

    def _disagreement(self, path: str) -> str | None:
        current = scope.current()
        if current is None:
            return "the request has no scope"
        if open_paths.is_open(path):
            # Needs no decision, and gets no workspace.
            return None if current.workspace is None else f"an open path has the workspace {current.workspace!r}"
        decision = self._decision()
        if decision is None:
            return "the authorization plugin has not decided about it"
        decided = decision.request_context.workspace
        expected = current.workspace if self._only_namespace is None else self._only_namespace
        if decided != expected or (self._only_namespace is not None and current.workspace is None):
            return f"the authorization plugin decided for the workspace {decided!r}, but admission found {current!r}"
        if not _is_same(decision.identity, current.caller):
            # A token does not belong into the log.
            return f"the authorization plugin decided about {decision.identity.user!r}, but admission found {current!r}"
        return None


def _is_same(identity: Identity, caller: scope.Caller | None) -> bool:
    if caller is None:
        return False
    if caller.token is not None:
        return identity.token == caller.token
    return (identity.token, identity.user, identity.groups) == (None, caller.user, caller.groups)
