"""The scope of a request: its caller, its workspace and its route, read from the request alone and bound once.

Everything that separates teams asks this module: the database session tells PostgreSQL the workspace of the scope, the
artifact store accepts only locations of that workspace, the audit log names the caller. Process-wide state, such as
environment variables, is never consulted. Work without a scope is refused, so code that runs outside of a request has
to open a scope of its own with `background`.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

# Entry of an ASGI scope under which the layers in front of MLflow share what they know about the request.
KEY = "mlflow_platform.request"
# Header in which clients name the workspace of a request.
WORKSPACE_HEADER = b"x-mlflow-workspace"
# MLflow's name for the workspace of all rows if workspaces are disabled.
DEFAULT_WORKSPACE = "default"

_SCOPE: ContextVar["Scope | None"] = ContextVar("mlflow_platform_scope", default=None)


class ScopeError(RuntimeError):
    """Work without a scope, or in another workspace than that of its scope."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The sender of a request, as the login asserts it."""

    user: str
    """E-mail address of a person, or `system:serviceaccount:NAMESPACE:NAME`."""

    groups: tuple[str, ...] = ()
    """Groups that count: those to which the stack file gives access."""

    claimed_groups: tuple[str, ...] = ()
    """All groups that the identity provider asserts."""

    token: str | None = field(default=None, repr=False)
    """Bearer token, if access reviews are sent with it; None otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Limits of what a request, or a piece of background work, may touch."""

    name: str
    """Request ID, or the name of the background work."""

    workspace: str | None
    """The only workspace whose rows and artifacts are accessible; None: no workspace at all."""

    caller: Caller | None = None
    """None for background work, and for requests that need no identity."""


@dataclass(kw_only=True, slots=True)
class RequestFacts:
    """Findings of the layers in front of MLflow about a request; each layer fills in its part."""

    id: str
    """Request ID, in the audit log, in the server's log and in the answer's header X-Request-ID."""

    route: str | None = None
    """Method and path template, such as `GET /api/2.0/mlflow/runs/get`; None for a path that is not on the list."""

    caller: Caller | None = None
    workspace: str | None = None
    objects: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """IDs and names of objects in the request's body, by key; bounded (`named_objects`)."""

    refused_by: str | None = None
    """The layer that refused the request: `routes`, `identity`, `review`, `limits`, `agreement`; None if none did."""


def facts(asgi_scope: MutableMapping[str, Any]) -> RequestFacts:
    """The facts about the request that an ASGI scope describes.

    Raises:
        KeyError: no layer has stored any.
    """
    return asgi_scope[KEY]


def current() -> Scope | None:
    """The scope of the running request or background work; None outside of both."""
    return _SCOPE.get()


def bound() -> Scope:
    """The scope of the running request or background work.

    Raises:
        ScopeError: there is no scope.
    """
    scope = _SCOPE.get()
    if scope is None:
        message = "This code runs outside of a request and has opened no scope (scope.background)."
        raise ScopeError(message)
    return scope


def workspace() -> str:
    """The workspace of the current scope.

    Raises:
        ScopeError: there is no scope, or it has no workspace.
    """
    scope = bound()
    if scope.workspace is None:
        message = f"{scope.name} has no workspace."
        raise ScopeError(message)
    return scope.workspace


@contextmanager
def bind(scope: Scope) -> Iterator[None]:
    """Bind a scope for the duration of a block; threads started through asyncio or anyio inherit it.

    Raises:
        ScopeError: another scope is bound.
    """
    if _SCOPE.get() is not None:
        message = f"{scope.name} cannot begin, because another scope is still bound: {_SCOPE.get()!r}."
        raise ScopeError(message)
    token = _SCOPE.set(scope)
    try:
        yield
    finally:
        _SCOPE.reset(token)


@contextmanager
def background(name: str, workspace: str | None = None) -> Iterator[None]:
    """Bind a scope for work that belongs to no request, such as the start of the server."""
    with bind(Scope(name=name, workspace=workspace)):
        yield
