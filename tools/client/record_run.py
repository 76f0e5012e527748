"""What a data scientist does on the first day: log a run with an artifact, register a model, read both back.

Runs in a virtual environment that holds the published `mlflow` client and nothing of this project; the client's own
environment variables say where the server is. Prints one JSON object.
"""

import json
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

# Names that no team takes for its own work.
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
        raise SystemExit("the artifact that came back is not the one that was sent")

history = client.get_metric_history(run.info.run_id, "loss")
if [point.step for point in history] != list(range(10)):
    raise SystemExit(f"10 steps were logged, {len(history)} came back")

if not client.search_registered_models(f"name = '{MODEL}'"):
    client.create_registered_model(MODEL)
version = client.create_model_version(MODEL, f"runs:/{run.info.run_id}/note.txt", run.info.run_id).version
client.set_registered_model_alias(MODEL, ALIAS, version)
if client.get_model_version_by_alias(MODEL, ALIAS).version != version:
    raise SystemExit(f"alias {ALIAS} does not lead to version {version}")

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
