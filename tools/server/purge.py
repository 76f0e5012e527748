"""Permanently delete the data of a workspace; runs in the server's pod as `python3 - WORKSPACE < purge.py`.

Rows are deleted through MLflow's stores, so that dependent rows are deleted too. Experiments and their runs are deleted
one by one, as in `mlflow gc`, which needs little memory; all other rows as when MLflow deletes a workspace. The
artifacts are deleted last. The database shows this script the rows of that workspace only.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

from mlflow.entities import ViewType
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
from mlflow.store.workspace.sqlalchemy_store import _WORKSPACE_ROOT_MODELS
from mlflow.utils.workspace_context import WorkspaceContext
from mlflow_platform_server import database_scope, scope

PAGE = 1000
# Longer than the server gives a request: the one statement that deletes all models of a workspace may have much to do.
STATEMENT_SECONDS = 600


def server_options():
    """Backend store and artifact destination of the server, from the command line of the container's first process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend-store-uri", default=os.environ.get("MLFLOW_BACKEND_STORE_URI"))
    parser.add_argument("--artifacts-destination", default=os.environ.get("MLFLOW_ARTIFACTS_DESTINATION"))
    known, _ = parser.parse_known_args(Path("/proc/1/cmdline").read_text().split("\0"))
    return known


def pages(search):
    token = None
    while True:
        page = search(token)
        yield from page
        token = page.token
        if not token:
            return


def purge_rows(uri, root, workspace):
    store = WorkspaceAwareSqlAlchemyStore(uri, root)
    runs = 0
    with WorkspaceContext(workspace):
        every = list(
            pages(lambda token: store.search_experiments(view_type=ViewType.ALL, max_results=PAGE, page_token=token))
        )
        for experiment in every:
            found = pages(
                lambda token, one=experiment: store.search_runs(
                    [one.experiment_id], "", ViewType.ALL, max_results=PAGE, page_token=token
                )
            )
            for run_id in [run.info.run_id for run in found]:
                store._hard_delete_run(run_id)
                runs += 1
            if experiment.lifecycle_stage == "active":
                store.delete_experiment(experiment.experiment_id)
            store._hard_delete_experiment(experiment.experiment_id)
    # As MLflow deletes a workspace that is in the database; this one is in Kubernetes.
    with store.ManagedSessionMaker(read_only=False) as session:
        for model in _WORKSPACE_ROOT_MODELS:
            for row in session.query(model).filter(model.workspace == workspace).all():
                session.delete(row)
    return len(every), runs


def purge_artifacts(destination, workspace):
    repository = get_artifact_repository(f"{destination.rstrip('/')}/workspaces/{workspace}")
    repository.delete_artifacts()
    return list(files(repository))


def files(repository, folder=None):
    """Paths of all files in a folder and its subfolders. Folders are left out: some stores list deleted ones."""
    for entry in repository.list_artifacts(folder):
        if entry.is_dir:
            yield from files(repository, entry.path)
        else:
            yield entry.path


def main():
    # Hide MLflow's recommendations of further steps: this script takes these steps anyway.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    workspace = sys.argv[1]
    options = server_options()
    database_scope.install(STATEMENT_SECONDS)
    with scope.background("purge", workspace):
        experiments, runs = purge_rows(options.backend_store_uri, options.artifacts_destination, workspace)
        print(f"deleted {experiments} experiments with {runs} runs, and all models and datasets of {workspace}")
        left = purge_artifacts(options.artifacts_destination, workspace)
    if left:
        sys.exit(f"the artifact store still has {len(left)} files below workspaces/{workspace}, the first is {left[0]}: run this again")
    print(f"deleted all artifacts below workspaces/{workspace}")


main()
