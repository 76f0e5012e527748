"""Reads the tag `number` of each run of an experiment, the note of one run, and the version with alias `champion`.

Runs with the published MLflow client. Prints one JSON object.
"""

import json
import sys

import mlflow
from mlflow import MlflowClient

name = sys.argv[1]
client = MlflowClient()
experiment = client.get_experiment_by_name(name)
runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
champion = str(client.get_model_version_by_alias(name, "champion").version)
last = next(run for run in runs if run.data.params.get("number") == "3")
note = mlflow.artifacts.load_text(f"{last.info.artifact_uri}/note.txt")
print(
    json.dumps(
        {"tags": {run.info.run_id: run.data.tags.get("number") for run in runs}, "champion": champion, "note": note}
    )
)
