"""Logs typical objects of a team: runs with tags, a dataset and an artifact, a logged and a registered model, a trace.

Runs with the published MLflow client. Prints the ids of the runs as JSON.
"""

import json
import sys

import mlflow
import pandas
from mlflow import MlflowClient

name = sys.argv[1]
client = MlflowClient()
mlflow.set_experiment(name)
ids = []
for number in range(4):
    with mlflow.start_run(run_name=f"run-{number}") as run:
        mlflow.log_metric("loss", 1 / (number + 1), step=number)
        mlflow.log_param("number", number)
        mlflow.set_tag("number", str(number))
        mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({"x": [number]}), name=f"data-{number}"), context="train")
        mlflow.log_text(f"content {number} " * 100, "note.txt")
        ids.append(run.info.run_id)
model = mlflow.initialize_logged_model(name="logged", source_run_id=ids[0])
mlflow.log_model_params({"depth": "3"}, model_id=model.model_id)
client.create_registered_model(name)
for run_id in ids[:2]:
    client.create_model_version(name, f"runs:/{run_id}/note.txt", run_id)
client.set_registered_model_alias(name, "champion", "2")
with mlflow.start_span("step") as span:
    span.set_inputs({"question": 1})
mlflow.flush_trace_async_logging()
print(json.dumps(ids))
