"""Searches runs and reads an artifact until standard input is closed; prints each call: its kind, times and error."""

import json
import sys
import threading
import time

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException

PAUSE_SECONDS = 0.2
EXPERIMENT = "healing"

stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
client = MlflowClient()
experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
run_id = client.create_run(experiment).info.run_id
client.log_text(run_id, "read again and again", "text.txt")
calls = {
    "search": lambda: client.search_runs([experiment], max_results=5),
    "file": lambda: client.list_artifacts(run_id) and client.download_artifacts(run_id, "text.txt", "."),
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
