"""Admission: binds each request to its caller and workspace (`scope.py`), and refuses callers without rights there.

The workspace comes from the request alone: its header, or the path for MLflow's routes about one workspace. An invalid
name, a workspace that does not exist and a workspace of another team get the same answer, after the same review, so
nobody learns which names exist.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mlflow_platform_server import answers, open_paths
from mlflow_platform_server import scope as scopes
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.reviews import ReviewFailedError, TokenRefusedError
from mlflow_platform_server.scope import DEFAULT_WORKSPACE, WORKSPACE_HEADER, Caller, RequestFacts, Scope

_logger = logging.getLogger(__name__)

# Name of a Kubernetes namespace: a DNS label.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# MLflow's routes about workspaces: all of the caller's, or the one in the path.
_PATH = re.compile(r"/(?:ajax-)?api/3\.0/mlflow/workspaces(?:/+([^/]+)(?:/.*)?)?", re.DOTALL)


class Judge(Protocol):
    """Decides whether a caller has any right in a namespace, such as `reviews.AccessReviews`."""

    async def allows(self, caller: Caller, namespace: str) -> bool:
        """True if the caller has any right in the namespace."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An answer to a request that is not admitted."""

    status: int
    code: str
    message: str
    by: str
    """The layer that the audit log names (`RequestFacts.refused_by`)."""

    headers: tuple[tuple[bytes, bytes], ...] = ()


NOT_YOURS = Refusal(
    status=403,
    code="PERMISSION_DENIED",
    message="You have no access to this workspace, or it does not exist.",
    by="review",
)
NOBODY = Refusal(
    status=401, code="UNAUTHENTICATED", message="The request has no identity. Sign in, or send a token.", by="identity"
)
TOKEN_REFUSED = Refusal(
    status=401, code="UNAUTHENTICATED", message="Kubernetes does not accept the token. Sign in again.", by="identity"
)
NO_DECISION = Refusal(
    status=503,
    code="TEMPORARILY_UNAVAILABLE",
    message="Access could not be checked. Try again.",
    by="review",
    # Published clients try seven times, and would use up their attempts in a second each.
    headers=((b"retry-after", b"10"),),
)
NOT_READY = Refusal(
    status=503,
    code="TEMPORARILY_UNAVAILABLE",
    message="The server has just started and does not know yet who has access. Try again.",
    by="review",
    headers=NO_DECISION.headers,
)
AMBIGUOUS = Refusal(
    status=400,
    code="INVALID_PARAMETER_VALUE",
    message="The request names more than one workspace. Send one header X-MLFLOW-WORKSPACE.",
    by="review",
)


class Admission:
    """ASGI middleware that binds each request to its caller and workspace, and refuses callers without rights there."""

    def __init__(
        self,
        app: App,
        judge: Judge,
        *,
        only_namespace: str | None = None,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Admit or refuse requests to `app`.

        Args:
            app: the application that gets admitted requests.
            judge: decides about rights in a namespace.
            only_namespace: the namespace whose RBAC decides about all requests if workspaces are disabled.
            ready: true once the lists of identities are known.
        """
        self._app = app
        self._ready = ready
        self._judge = judge
        self._only_namespace = only_namespace

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Admit or refuse one request."""
        if scope["type"] == "lifespan":
            with scopes.background("start and stop of the server"):
                await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # WebSockets are refused by MLflow. Without a scope they would reach no data.
            await self._app(scope, receive, send)
            return
        facts = scopes.facts(scope)
        if open_paths.is_open(scope["path"]):
            # MLflow looks up any workspace that the header names, and so would tell everybody which ones exist.
            await self._within(None, _without_header(scope), receive, send)
            return
        refusal = await self._refusal(scope, facts)
        if refusal is not None:
            facts.refused_by = refusal.by
            await answers.refuse(send, refusal.status, refusal.code, refusal.message, refusal.headers)
            return
        if self._only_namespace is None and _PATH.fullmatch(scope["path"]):
            scope = _without_header(scope)
        await self._within(facts.workspace, scope, receive, send)

    async def _within(self, workspace: str | None, scope: Message, receive: Receive, send: Send) -> None:
        facts = scopes.facts(scope)
        with scopes.bind(Scope(name=facts.id, workspace=workspace, caller=facts.caller)):
            await self._app(scope, receive, send)

    async def _refusal(self, scope: Message, facts: RequestFacts) -> Refusal | None:
        """Find the workspace of a request and check its caller's access; None if the request is admitted."""
        if facts.caller is None or not self._ready():
            return NOBODY if facts.caller is None else NOT_READY
        named = named_workspaces(scope)
        if len(named) > 1:
            return AMBIGUOUS
        if self._only_namespace is not None:
            # A name in the request is for MLflow to refuse: it has no workspaces.
            namespace, facts.workspace = self._only_namespace, DEFAULT_WORKSPACE
        elif not named:
            return None
        else:
            namespace = facts.workspace = named.pop()
            if not _NAME.fullmatch(namespace):
                # Asked nevertheless, so that the answer takes as long as any other. No namespace has this name.
                namespace = "-"
        try:
            allowed = await self._judge.allows(facts.caller, namespace)
        except TokenRefusedError:
            return TOKEN_REFUSED
        except ReviewFailedError as error:
            _logger.warning("Request %s is refused because access could not be checked: %s", facts.id, error)
            return NO_DECISION
        return None if allowed and namespace != "-" else NOT_YOURS


def named_workspaces(scope: Message) -> set[str]:
    """All workspaces that a request names; more than one is a contradiction.

    A header that is sent twice is a contradiction too, even with the same value: a layer might join the two. On routes
    about workspaces the header is ignored and removed: clients ask there about one workspace or all of theirs, while
    the header may name another workspace, or one to which they have lost access.
    """
    values = [value.decode("latin-1").strip() for name, value in scope["headers"] if name.lower() == WORKSPACE_HEADER]
    if len(values) > 1:
        return {*values, ",".join(values)}
    if path := _PATH.fullmatch(scope["path"]):
        return {path[1]} if path[1] else set()
    # MLflow takes an empty header for none.
    return set(values) - {""}


def _without_header(scope: Message) -> Message:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() != WORKSPACE_HEADER]}
