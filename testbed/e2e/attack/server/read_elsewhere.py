"""Runs in the server's container: what its repository of files answers a request of a team, by location, as JSON."""

import json
import os
import sys

from mlflow.exceptions import MlflowException
from mlflow.server import ARTIFACTS_DESTINATION_ENV_VAR
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.workspace_context import set_server_request_workspace

# The server sets it for its workers.
os.environ[ARTIFACTS_DESTINATION_ENV_VAR] = "file:///mlflow/artifacts"
set_server_request_workspace("team-a")
answers = {}
for location in sys.argv[1:]:
    try:
        answers[location] = [found.path for found in get_artifact_repository(location).list_artifacts()]
    except MlflowException as error:
        answers[location] = error.error_code
print(json.dumps(answers))
