"""Reads back everything that `keep_logging.py` wrote down as acknowledged. Prints what is missing or different."""

import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

THREADS = 4

client = MlflowClient()
lines = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
acknowledged = [line for line in lines if line["acknowledged"]]


def fault(line):
    """The error in one acknowledged call; None if its data is stored as it was sent."""
    run_id = line["run_id"]
    try:
        match line["kind"]:
            case "run":
                name = client.get_run(run_id).info.run_name
                return None if name == line["name"] else f"run {run_id} is called {name}"
            case "metrics":
                stored = {(point.step, point.value) for point in client.get_metric_history(run_id, "value")}
                lost = {tuple(point) for point in line["points"]} - stored
                return f"run {run_id} lost the points {sorted(lost)}" if lost else None
            case "artifact":
                with tempfile.TemporaryDirectory() as folder:
                    path = mlflow.artifacts.download_artifacts(
                        run_id=run_id, artifact_path="noise.txt", dst_path=folder
                    )
                    same = Path(path).read_text(encoding="utf-8") == line["text"]
                return None if same else f"the artifact of run {run_id} has changed"
    except MlflowException as problem:
        return f"{line['kind']} of run {run_id}: {problem}"


with ThreadPoolExecutor(THREADS) as pool:
    faults = [found for found in pool.map(fault, acknowledged) if found]
counts = {kind: sum(line["kind"] == kind for line in acknowledged) for kind in ("run", "metrics", "artifact")}
print(json.dumps({"acknowledged": counts, "faults": faults}))
