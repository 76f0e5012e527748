"""A cache of webhooks for each workspace, in place of MLflow's, which is by event alone.

With MLflow's own, the webhooks of the team that was first to have an event received the next minute's events of all
teams.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

from mlflow_platform_server import scope


class ByWorkspace:
    """View of a cache that shows the entries of the scope's workspace only."""

    def __init__(self, cache: MutableMapping[Any, Any]) -> None:
        self._cache = cache

    def get(self, event: Any) -> Any:
        """The entry of an event; None if there is none.

        Raises:
            ScopeError: there is no scope, or it has no workspace.
        """
        return self._cache.get((scope.workspace(), event))

    def __setitem__(self, event: Any, webhooks: Any) -> None:
        self._cache[scope.workspace(), event] = webhooks


def by_workspace(cache_of: Callable[[int], MutableMapping[Any, Any]]) -> Callable[[int], ByWorkspace]:
    """Wrap MLflow's `_get_or_create_webhook_cache`."""

    def of(ttl_seconds: int) -> ByWorkspace:
        return ByWorkspace(cache_of(ttl_seconds))

    return of
