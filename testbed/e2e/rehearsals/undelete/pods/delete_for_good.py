"""Permanently deletes runs, as `mlflow gc` does: `delete_for_good.py WORKSPACE RUN_ID...`, in the server's pod."""

import argparse
import sys
from pathlib import Path

from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
from mlflow.utils.workspace_context import WorkspaceContext
from mlflow_platform_server import database_scope, scope

workspace, *ids = sys.argv[1:]
parser = argparse.ArgumentParser()
parser.add_argument("--backend-store-uri")
parser.add_argument("--artifacts-destination")
options, _ = parser.parse_known_args(Path("/proc/1/cmdline").read_text().split("\0"))
database_scope.install(60)
with scope.background("gc", workspace):
    store = WorkspaceAwareSqlAlchemyStore(options.backend_store_uri, options.artifacts_destination)
    with WorkspaceContext(workspace):
        for run_id in ids:
            store._hard_delete_run(run_id)
