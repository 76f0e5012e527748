"""Workspace store of the scheme `mlflow-platform`: the plugin's, made when it is first asked.

`mlflow server` makes a workspace store before it starts the workers, in a process that never uses it. The plugin's
would ask Kubernetes for all namespaces there, without a time-out, so that no server started while Kubernetes hangs.
"""

import threading
from collections.abc import Callable
from typing import Any


class Deferred:
    """An object that is made when one of its attributes is first read; by one thread, while others wait."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        """Read an attribute of the object."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return getattr(self._made, name)


class DeferredStore(Deferred):
    """A workspace store that is made when it is needed."""

    def get_default_workspace(self) -> Any:
        """There is none: each request names its workspace. MLflow asks during its start and for open paths.

        Raises:
            NotImplementedError: always; MLflow takes it for this answer.
        """
        raise NotImplementedError


def deferred_store(workspace_uri: str, **more: Any) -> DeferredStore:
    """Entry point: the plugin's workspace store for `workspace_uri`, whose query may hold options of the plugin."""

    def make() -> Any:
        from mlflow_kubernetes_plugins.workspace_plugin.provider import (  # noqa: PLC0415 - not needed until now
            create_kubernetes_workspace_store,
        )

        return create_kubernetes_workspace_store(workspace_uri, **more)

    return DeferredStore(make)
