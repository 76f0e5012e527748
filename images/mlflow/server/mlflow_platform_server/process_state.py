"""Guards the environment of the process: while a request is served, nothing may change it.

A change would be seen by all other requests of the worker. Python reports each change to audit hooks, before it is
made, whichever way it is made in.
"""

import sys
from typing import Any

from mlflow_platform_server import scope
from mlflow_platform_server.scope import ScopeError

_EVENTS = frozenset({"os.putenv", "os.unsetenv"})


def guard() -> None:
    """Refuse changes of the environment while a request is served; for the rest of the process's life."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    # Called for every file that is opened and every import: the common case must cost next to nothing.
    if event in _EVENTS and (current := scope.current()) is not None and current.caller is not None:
        message = f"{current.name} changes the environment variable {arguments[0]!r} of the whole process."
        raise ScopeError(message)
