"""Logs a run with a metric by step, an artifact of 8 MiB, a trace, and a model with an alias; reads all of it back.

Runs with the published MLflow client; its environment says where the server is. Prints one JSON object: what was read back.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

ARTIFACT_BYTES = 8 * 1024 * 1024
MODEL = "small-model"

client = MlflowClient()
mlflow.set_experiment("small-project")
content = os.urandom(ARTIFACT_BYTES)
with mlflow.start_run() as run, tempfile.TemporaryDirectory() as folder:
    mlflow.log_param("depth", 6)
    for step in range(3):
        mlflow.log_metric("loss", 1 / (1 + step), step=step)
    weights = Path(folder) / "weights.bin"
    weights.write_bytes(content)
    mlflow.log_artifact(str(weights))

with mlflow.start_span(name="predict") as span:
    span.set_inputs({"x": 1})
mlflow.flush_trace_async_logging()
trace = mlflow.get_trace(span.trace_id)

run_id = run.info.run_id
with tempfile.TemporaryDirectory() as folder:
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="weights.bin", dst_path=folder)
    came_back = Path(path).read_bytes()
if not client.search_registered_models(f"name = '{MODEL}'"):
    client.create_registered_model(MODEL)
version = client.create_model_version(MODEL, f"runs:/{run_id}/weights.bin", run_id).version
client.set_registered_model_alias(MODEL, "champion", version)

print(
    json.dumps(
        {
            "params": client.get_run(run_id).data.params,
            "steps": sorted(point.step for point in client.get_metric_history(run_id, "loss")),
            "sent": hashlib.sha256(content).hexdigest(),
            "came_back": hashlib.sha256(came_back).hexdigest(),
            "spans": [found.name for found in trace.data.spans],
            "version": str(version),
            "champion": str(client.get_model_version_by_alias(MODEL, "champion").version),
        }
    )
)
