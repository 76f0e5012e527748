"""Reads back what `remember.py` logged. Prints what is missing or different."""

import json
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

client = MlflowClient()
sent = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
run_id = sent["run_id"]
with tempfile.TemporaryDirectory() as folder:
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="note.txt", dst_path=folder)
    text = Path(path).read_text(encoding="utf-8")
points = [(point.step, point.value) for point in client.get_metric_history(run_id, "loss")]
version = str(client.get_model_version_by_alias("remembered", "champion").version)

checks = {
    "run": client.get_run(run_id).info.run_name == "to-be-remembered",
    "metric": points == [(3, 0.25)],
    "artifact": text == sent["text"],
    "model": version == sent["version"],
}
print(json.dumps({"faults": [what for what, right in checks.items() if not right]}))
