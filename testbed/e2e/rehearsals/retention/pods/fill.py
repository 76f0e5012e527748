"""Log runs, experiments and traces for the retention, with the published client, and print their IDs as JSON."""

import json
import tempfile
import time
from pathlib import Path

import mlflow
from mlflow import MlflowClient

client = MlflowClient()


def experiment(name):
    # The name of a deleted one stays taken.
    return client.create_experiment(f"{name} {time.time_ns()}")


def run(where):
    """A run with a file."""
    made = client.create_run(where).info.run_id
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file.txt"
        file.write_text(made)
        client.log_artifact(made, str(file))
    client.log_metric(made, "loss", 0.5)
    client.set_terminated(made)
    return made


def trace(where):
    """A trace with two spans."""
    mlflow.set_experiment(experiment_id=where)
    with mlflow.start_span("outer") as outer:
        outer.set_inputs({"question": "why"})
        with mlflow.start_span("inner"):
            pass
    mlflow.flush_trace_async_logging(terminate=False)
    return outer.trace_id


kept, gone, lively = (experiment(f"retention: {name}") for name in ("kept", "gone", "lively"))
runs = {name: run(kept) for name in ("long ago", "lately", "registered", "active")}
runs["inside"] = run(gone)
name = f"retention-{runs['registered']}"
client.create_registered_model(name)
source = client.get_run(runs["registered"]).info.artifact_uri
client.create_model_version(name, source, run_id=runs["registered"])
for deleted in ("long ago", "lately", "registered"):
    client.delete_run(runs[deleted])
traces = {name: trace(lively) for name in ("old", "archived", "new")}
print(json.dumps({"runs": runs, "experiments": {"kept": kept, "gone": gone, "lively": lively}, "traces": traces, "model": name}))
