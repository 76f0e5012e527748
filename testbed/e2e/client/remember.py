"""Logs a run with a metric, an artifact and a registered model, to be recalled by `recall.py` later on."""

import json
import os

import mlflow
from mlflow import MlflowClient

MODEL = "remembered"

client = MlflowClient()
mlflow.set_experiment("remembered")
text = os.urandom(64).hex()
with mlflow.start_run(run_name="to-be-remembered") as run:
    mlflow.log_metric("loss", 0.25, step=3)
    mlflow.log_text(text, "note.txt")
if not client.search_registered_models(f"name = '{MODEL}'"):
    client.create_registered_model(MODEL)
version = client.create_model_version(MODEL, f"runs:/{run.info.run_id}/note.txt", run.info.run_id).version
client.set_registered_model_alias(MODEL, "champion", version)
print(json.dumps({"run_id": run.info.run_id, "text": text, "version": str(version)}))
