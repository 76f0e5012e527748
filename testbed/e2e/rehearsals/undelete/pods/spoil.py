"""Changes a tag of all runs of an experiment and the alias `champion` of its model, and logs one more run.

Runs with the published MLflow client. Prints the id of the new run.
"""

import json
import sys

import mlflow
from mlflow import MlflowClient

name = sys.argv[1]
client = MlflowClient()
experiment = mlflow.set_experiment(name)
for run in client.search_runs([experiment.experiment_id]):
    client.set_tag(run.info.run_id, "number", "spoiled")
client.set_registered_model_alias(name, "champion", "1")
with mlflow.start_run(run_name="later") as later:
    mlflow.log_metric("loss", 0.0)
print(json.dumps(later.info.run_id))
