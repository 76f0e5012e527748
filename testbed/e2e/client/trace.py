"""Logs a trace whose input is the argument.

Runs with the published MLflow client; its environment says where the server is. Prints the ID of the experiment.
"""

import json
import sys

import mlflow

experiment = mlflow.set_experiment("traced")
with mlflow.start_span(name="answer") as span:
    span.set_inputs({"question": sys.argv[1]})
mlflow.flush_trace_async_logging()
print(json.dumps(experiment.experiment_id))
