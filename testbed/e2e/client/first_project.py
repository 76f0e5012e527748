"""A data scientist's project at full size: a thousand points of a metric, 64 MiB of artifact, a model with an alias.

Runs with the published MLflow client; its environment says where the server is. Prints one JSON object: what was sent, and what was read back.
"""

import hashlib
import json
import os
import tempfile
import time
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

EXPERIMENT = "full-size-project"
MODEL = "full-size-model"
POINTS = 1000
ARTIFACT_BYTES = 64 * 1024 * 1024

client = MlflowClient()
seconds = {}


def timed(name, function, *arguments):
    start = time.monotonic()
    result = function(*arguments)
    seconds[name] = round(time.monotonic() - start, 2)
    return result


def twice(model_input: list[int]) -> list[int]:
    return [2 * value for value in model_input]


mlflow.set_experiment(EXPERIMENT)
sent = [1 / (1 + step) for step in range(POINTS)]
with mlflow.start_run(run_name="full-size") as run, tempfile.TemporaryDirectory() as folder:
    run_id = run.info.run_id
    client.log_batch(run_id, params=[Param("learning_rate", "0.1"), Param("depth", "6")])
    now = int(time.time() * 1000)
    timed("log 1000 points", client.log_batch, run_id, [Metric("loss", value, now, step) for step, value in enumerate(sent)])
    weights = Path(folder) / "weights.bin"
    weights.write_bytes(os.urandom(ARTIFACT_BYTES))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    timed("upload 64 MiB", mlflow.log_artifact, str(weights))
    model = mlflow.pyfunc.log_model(
        name="model",
        python_model=twice,
        # Nothing beyond Python: finding out what a model imports would load it in another process.
        pip_requirements=[],
    )

version = mlflow.register_model(model.model_uri, MODEL).version
client.set_registered_model_alias(MODEL, "champion", version)

history = client.get_metric_history(run_id, "loss")
with tempfile.TemporaryDirectory() as folder:
    path = timed(
        "download 64 MiB",
        lambda: mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="weights.bin", dst_path=folder),
    )
    came_back = hashlib.sha256(Path(path).read_bytes()).hexdigest()
champion = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")

print(
    json.dumps(
        {
            "run_id": run_id,
            "artifact_uri": run.info.artifact_uri,
            "experiment_id": run.info.experiment_id,
            "params": client.get_run(run_id).data.params,
            "points": [[point.step, point.value] for point in sorted(history, key=lambda point: point.step)],
            "expected_points": list(enumerate(sent)),
            "sent_digest": digest,
            "digest_that_came_back": came_back,
            "version": str(version),
            "champion_version": str(client.get_model_version_by_alias(MODEL, "champion").version),
            "predictions": champion.predict([3, 4]),
            "seconds": seconds,
        }
    )
)
