"""MLflow's cache of webhooks, kept apart by workspace."""

from typing import Any

import pytest
from mlflow_platform_server import scope
from mlflow_platform_server.scope import ScopeError
from mlflow_platform_server.webhook_cache import by_workspace


def test_each_workspace_sees_only_the_webhooks_that_were_found_in_it() -> None:
    stored: dict[Any, Any] = {}
    cache = by_workspace(lambda _: stored)(60)
    with scope.background("request", "team-a"):
        cache["event"] = ["team-a's"]
        assert cache.get("event") == ["team-a's"]
    with scope.background("request", "team-b"):
        assert cache.get("event") is None


def test_without_a_workspace_there_are_no_webhooks() -> None:
    cache = by_workspace(lambda _: {})(60)
    with pytest.raises(ScopeError):
        cache.get("event")
