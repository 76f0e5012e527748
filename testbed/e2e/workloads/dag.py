"""Tasks of a DAG, each in a pod of its own: `extract`, then `train RUN` and `report RUN`. Prints one JSON object.

The run's id is passed from task to task, as by a scheduler. The pod gives the client a service account and the
ConfigMap's environment, nothing else.
"""

import csv
import hashlib
import json
import random
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

ROWS = 5000
SLOPE = 3.0
OTHER_TEAM = "team-b"


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def extract():
    """Begin the run, and log the data for the training."""
    mlflow.set_experiment("dag")
    rows = Path("rows.csv")
    with rows.open("w", newline="") as file:
        writer = csv.writer(file)
        for _ in range(ROWS):
            x = random.random()
            writer.writerow([x, SLOPE * x])
    with mlflow.start_run(run_name="nightly") as run:
        mlflow.log_artifact(str(rows), "input")
        mlflow.log_param("rows", ROWS)
    return {"run_id": run.info.run_id, "digest": digest(rows)}


def train(run_id):
    """Fit a line through the rows that `extract` has logged."""
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="input/rows.csv")
    with Path(path).open(newline="") as file:
        points = [(float(x), float(y)) for x, y in csv.reader(file)]
    with mlflow.start_run(run_id=run_id):
        slope = sum(x * y for x, y in points) / sum(x * x for x, _ in points)
        mlflow.log_metric("slope", slope)
        mlflow.log_metric("rows_read", len(points))
    return {"digest": digest(path)}


def report(run_id):
    """Log the result, and try the same in another team's workspace."""
    run = MlflowClient().get_run(run_id)
    text = f"slope {run.data.metrics['slope']:.3f} from {run.data.params['rows']} rows"
    with mlflow.start_run(run_id=run_id):
        mlflow.log_text(text, "report.txt")
    files = [file.path for file in mlflow.artifacts.list_artifacts(run_id=run_id)]
    status = MlflowClient().get_run(run_id).info.status
    mlflow.set_workspace(OTHER_TEAM)
    try:
        mlflow.create_experiment("intruder")
        refusal = ""
    except MlflowException as error:
        refusal = str(error)
    return {"text": text, "files": sorted(files), "status": status, "user": run.info.user_id, "refusal": refusal}


task, *arguments = sys.argv[1:]
print(json.dumps({"extract": extract, "train": train, "report": report}[task](*arguments)))
