"""Reads runs and a model until its input ends, and records time, kind and success of each call."""

import json
import sys
import threading
import time

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException

PAUSE_SECONDS = 0.2

stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
client = MlflowClient()
experiment = client.get_experiment_by_name("upgrade").experiment_id
calls = {
    "search": lambda: client.search_runs([experiment], "metrics.loss < 1", max_results=20),
    "model": lambda: client.get_model_version_by_alias("forecast", "champion"),
}
while not stop.wait(PAUSE_SECONDS):
    for kind, call in calls.items():
        started, error = time.time(), ""
        try:
            call()
        except (MlflowException, RequestException) as problem:
            error = str(problem)[:300]
        line = {"kind": kind, "started": started, "ended": time.time(), "acknowledged": not error, "error": error}
        print(json.dumps(line), flush=True)
