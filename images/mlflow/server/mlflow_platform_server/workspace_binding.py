"""Makes the scope the only source of MLflow's workspace; in server processes only.

Commands such as `mlflow gc` do not come here: they work on all workspaces, and choose them by MLflow's own means.
"""

import os

from mlflow.utils import workspace_context, workspace_utils

from mlflow_platform_server.bound_workspace import BoundWorkspace, NeverSet


def bind() -> None:
    """Replace the places where MLflow and the authorization plugin look for the workspace of a request."""
    os.environ.pop(NeverSet.name, None)
    # MLflow's functions look these names up at each call. The plugin calls those functions.
    workspace_context._WORKSPACE = BoundWorkspace()
    for module in (workspace_context, workspace_utils):
        if not hasattr(module, NeverSet.name):
            message = f"{module.__name__} has no {NeverSet.name} any more: find out where MLflow looks for it now."
            raise RuntimeError(message)
        setattr(module, NeverSet.name, NeverSet())
