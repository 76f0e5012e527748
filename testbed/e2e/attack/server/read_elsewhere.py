"""Runs in the server's container: prints the artifact repository's answers to a team's request, by location, as JSON."""

import json
import sys

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow_platform_server import artifact_reach, scope

# As the server does when it starts; other processes are not confined.
artifact_reach.confine("file:///mlflow/artifacts", multi_tenant=True)
answers = {}
with scope.background("a request of team-a", "team-a"):
    for location in sys.argv[1:]:
        try:
            answers[location] = [found.path for found in get_artifact_repository(location).list_artifacts()]
        except MlflowException as error:
            answers[location] = error.error_code
print(json.dumps(answers))
