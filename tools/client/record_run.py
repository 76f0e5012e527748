"""The smoke test's client: logs a run with an artifact, registers a model, and reads both back.

Runs in a virtual environment with the published `mlflow` client, without modules of this project. The MLflow client's
environment variables select the server. Prints one JSON object.
"""

import json
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

# Names that do not collide with experiments and models of teams.
EXPERIMENT = MODEL = "mlflow-platform-smoke-test"
ALIAS = "smoke-test"

mlflow.set_experiment(EXPERIMENT)
client = MlflowClient()
note = "Logged by the platform's smoke test.\n"
with mlflow.start_run(run_name="smoke-test") as run:
    mlflow.log_params({"learning_rate": 0.1, "depth": 6})
    for step in range(10):
        mlflow.log_metric("loss", 1 / (1 + step), step=step)
    mlflow.log_text(note, "note.txt")

with tempfile.TemporaryDirectory() as folder:
    path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="note.txt", dst_path=folder)
    if Path(path).read_text(encoding="utf-8") != note:
        raise SystemExit("the downloaded artifact differs from the logged one")

history = client.get_metric_history(run.info.run_id, "loss")
if [point.step for point in history] != list(range(10)):
    raise SystemExit(f"logged 10 values of the metric loss, read back {len(history)}")

if not client.search_registered_models(f"name = '{MODEL}'"):
    client.create_registered_model(MODEL)
version = client.create_model_version(MODEL, f"runs:/{run.info.run_id}/note.txt", run.info.run_id).version
client.set_registered_model_alias(MODEL, ALIAS, version)
if client.get_model_version_by_alias(MODEL, ALIAS).version != version:
    raise SystemExit(f"alias {ALIAS} does not point to version {version}")

print(
    json.dumps(
        {
            "client": mlflow.__version__,
            "experiment_id": run.info.experiment_id,
            "run_id": run.info.run_id,
            "model": f"models:/{MODEL}@{ALIAS}",
            "version": int(version),
        }
    )
)
