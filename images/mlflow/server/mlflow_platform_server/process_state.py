"""Keeps state of the whole process from deciding about a request; for server processes only.

MLflow looks for the workspace of a request in a context variable and, if that is not set, in an environment variable of
the process. Here the context variable is replaced by one that accepts only the workspace of the request (`scope.py`),
and the environment variable by one that is never set. Besides, no request may change the environment: all other
requests of the worker would see the change.

A purge, and MLflow's own commands, run in processes of their own, and choose the workspace by MLflow's own means.
"""

import os
import sys
from contextvars import ContextVar, Token
from types import ModuleType
from typing import Any

from mlflow_platform_server import scope
from mlflow_platform_server.scope import ScopeError

_EVENTS = frozenset({"os.putenv", "os.unsetenv"})


class BoundWorkspace:
    """Takes the place of the context variable `mlflow.utils.workspace_context._WORKSPACE`, and has its methods."""

    def __init__(self) -> None:
        self._value: ContextVar[str | None] = ContextVar("mlflow_platform_workspace", default=None)

    def get(self) -> str | None:
        """The workspace that MLflow has set in this context; None if the current scope has another one, or none."""
        value, current = self._value.get(), scope.current()
        return value if current is not None and value == current.workspace else None

    def set(self, value: str | None) -> Token[str | None]:
        """Set the workspace to that of the current scope, or to None: without a workspace there are no data.

        Raises:
            ScopeError: the scope has another workspace, or there is no scope.
        """
        current = scope.current()
        if value is not None and (current is None or value != current.workspace):
            message = f"MLflow sets the workspace to {value!r}, which does not belong to the running work: {current!r}."
            raise ScopeError(message)
        return self._value.set(value)

    def reset(self, token: Token[str | None]) -> None:
        """Undo a `set`."""
        self._value.reset(token)


class NeverSet:
    """Takes the place of MLflow's object for the environment variable `MLFLOW_WORKSPACE`, and never has a value."""

    name = "MLFLOW_WORKSPACE"
    defined = False
    default = None

    def get(self) -> None:
        """Return None."""

    get_raw = get

    def is_set(self) -> bool:
        """Return False."""
        return False

    def set(self, value: str) -> None:
        """Do nothing: the value would be seen by all requests of the process."""

    def unset(self) -> None:
        """Do nothing."""


def bind(context: ModuleType, utils: ModuleType) -> None:
    """Replace the places where MLflow and the authorization plugin look for the workspace of a request.

    Args:
        context: `mlflow.utils.workspace_context`.
        utils: `mlflow.utils.workspace_utils`.

    Raises:
        RuntimeError: this MLflow has other places.
    """
    os.environ.pop(NeverSet.name, None)
    # MLflow's functions look these names up at each call. The plugin calls those functions.
    for module, name, stand_in in (
        (context, "_WORKSPACE", BoundWorkspace()),
        (context, NeverSet.name, NeverSet()),
        (utils, NeverSet.name, NeverSet()),
    ):
        if not hasattr(module, name):
            message = f"{module.__name__} has no {name} any more: find out where MLflow looks for the workspace now."
            raise RuntimeError(message)
        setattr(module, name, stand_in)


def guard() -> None:
    """Refuse changes of the environment while a request is served; for the rest of the process's life.

    Python reports each change to audit hooks before it is made, whichever way it is made.
    """
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    # Called for every file that is opened and every import: the common case must cost next to nothing.
    if event in _EVENTS and (current := scope.current()) is not None and current.caller is not None:
        message = f"{current.name} sets the environment variable {arguments[0]!r}, which other requests would read."
        raise ScopeError(message)
