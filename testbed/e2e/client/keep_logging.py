"""Logs runs with metrics and an artifact until its input ends, and records what the server acknowledged.

Prints a JSON line for each call: its end, its kind, whether it was acknowledged, and what was sent. A failed call
is not repeated, and its data may be stored or not.
"""

import json
import os
import sys
import threading
import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException

PAUSE_SECONDS = 0.3
METRICS = 5
ARTIFACT_BYTES = 16 * 1024

stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()

experiment = mlflow.set_experiment("healing").experiment_id
client = MlflowClient()


def attempt(kind, call, **sent):
    """Make one call and write down how it went; returns its result, None after a failure."""
    started = time.time()
    try:
        result, error = call(), ""
    except (MlflowException, RequestException) as problem:
        result, error = None, str(problem)[:300]
    line = {"kind": kind, "started": started, "ended": time.time(), "acknowledged": not error, "error": error, **sent}
    if kind == "run" and result is not None:
        line["run_id"] = result.info.run_id
    print(json.dumps(line), flush=True)
    return result


number = 0
while not stop.wait(PAUSE_SECONDS):
    number += 1
    run = attempt("run", lambda: client.create_run(experiment, run_name=f"run-{number}"), name=f"run-{number}")
    if run is None:
        continue
    run_id = run.info.run_id
    points = [Metric("value", number + step / METRICS, int(time.time() * 1000), step) for step in range(METRICS)]
    attempt(
        "metrics",
        lambda: client.log_batch(run_id, metrics=points),
        run_id=run_id,
        points=[[point.step, point.value] for point in points],
    )
    text = os.urandom(ARTIFACT_BYTES // 2).hex()
    attempt("artifact", lambda: client.log_text(run_id, text, "noise.txt"), run_id=run_id, text=text)
