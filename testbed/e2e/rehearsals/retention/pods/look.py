"""Look up the IDs in the first argument; print stages of runs and experiments, and spans of traces, as JSON."""

import json
import sys

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

client = MlflowClient()
wanted = json.loads(sys.argv[1])


def stage(ask):
    try:
        return ask()
    except MlflowException as error:
        return error.error_code


print(
    json.dumps(
        {
            "runs": {
                name: stage(lambda one=one: client.get_run(one).info.lifecycle_stage) for name, one in wanted["runs"].items()
            },
            "experiments": {
                name: stage(lambda one=one: client.get_experiment(one).lifecycle_stage)
                for name, one in wanted["experiments"].items()
            },
            "spans": {
                name: stage(lambda one=one: sorted(span.name for span in client.get_trace(one).data.spans))
                for name, one in wanted["traces"].items()
            },
        }
    )
)
