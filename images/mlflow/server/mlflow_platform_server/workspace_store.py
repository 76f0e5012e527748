"""MLflow's workspace store `mlflow-platform://`: workspaces are the namespaces with the platform's label.

The plugin's own store sends a request without a time-out to Kubernetes when it is made, even in the process that starts
the workers, so no server could start while Kubernetes hangs. For each request it also reads MLflowConfig objects, which
needs the right to read Secrets. This store only reads the copy in `namespaces.py`.
"""

from collections.abc import Iterable
from typing import Any

from mlflow.entities.workspace import Workspace
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.store.workspace.abstract_store import AbstractStore

from mlflow_platform_server import plugin, scope
from mlflow_platform_server.namespaces import Namespaces
from mlflow_platform_server.visible_workspaces import VisibleWorkspaces


class NamespaceStore(AbstractStore):
    """Workspaces by name; all artifacts are below the server's destination, as MLflow arranges them."""

    def __init__(self) -> None:
        self.namespaces = Namespaces(plugin.unavailable)
        """Copy of the namespaces; each worker process sets its own. Other processes have none, and serve no
        requests."""

        self.visible: VisibleWorkspaces | None = None
        """Finds the workspaces of the caller of a request; a worker process puts its own here."""

    def list_workspaces(self) -> Iterable[Workspace]:
        known = self.namespaces.list_namespaces()
        current = scope.current()
        if self.visible is not None and current is not None and current.caller is not None:
            # The plugin would remove the others from the answer, after MLflow had written all of them.
            names = plugin.visible_to(self.visible, current.caller)
            known = [one for one in known if one.name in names]
        return [Workspace(name=one.name, description=one.description) for one in known]

    def get_workspace(self, workspace_name: str) -> Workspace:
        found = self.namespaces.get_namespace(workspace_name)
        if found is None:
            message = f"Workspace '{workspace_name}' does not exist."
            raise MlflowException(message, RESOURCE_DOES_NOT_EXIST)
        return Workspace(name=found.name, description=found.description)


def create(workspace_uri: str, **_: Any) -> NamespaceStore:
    """Make the store; MLflow calls this once in each process."""
    del workspace_uri
    return NamespaceStore()
