"""Stand-ins for MLflow's two places where it looks for the workspace of a request.

MLflow has a context variable and, behind it, an environment variable of the whole process. The first is replaced by one
that accepts only the workspace of the scope, the second by one that is never set.
"""

from contextvars import ContextVar, Token

from mlflow_platform_server import scope
from mlflow_platform_server.scope import ScopeError


class BoundWorkspace:
    """Has the methods of the context variable `mlflow.utils.workspace_context._WORKSPACE`."""

    def __init__(self) -> None:
        self._value: ContextVar[str | None] = ContextVar("mlflow_platform_workspace", default=None)

    def get(self) -> str | None:
        """The workspace that MLflow has set in this context; None if it is not, or no longer, that of the scope."""
        value, current = self._value.get(), scope.current()
        return value if current is not None and value == current.workspace else None

    def set(self, value: str | None) -> Token[str | None]:
        """Set the workspace; None is always possible, because without a workspace there are no data.

        Raises:
            ScopeError: the scope has another workspace, or there is no scope.
        """
        current = scope.current()
        if value is not None and (current is None or value != current.workspace):
            message = f"MLflow turns to the workspace {value!r} inside of {current!r}."
            raise ScopeError(message)
        return self._value.set(value)

    def reset(self, token: Token[str | None]) -> None:
        """Undo a `set`."""
        self._value.reset(token)


class NeverSet:
    """Has the methods of the environment variable `MLFLOW_WORKSPACE`, and no value."""

    name = "MLFLOW_WORKSPACE"
    defined = False
    default = None

    def get(self) -> None:
        """No value."""

    get_raw = get

    def is_set(self) -> bool:
        """False."""
        return False

    def set(self, value: str) -> None:
        """Do nothing: the value would be seen by all requests of the process."""

    def unset(self) -> None:
        """Do nothing."""
