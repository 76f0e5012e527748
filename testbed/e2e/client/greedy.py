"""Logs batches with many threads until its input ends, then reads back what was acknowledged.

Prints one JSON line: the batches that were acknowledged, the metrics that the server has of them, and the calls that
failed although the client had tried again, as often as it does by default.
"""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException

THREADS = int(sys.argv[1])
METRICS = 20

stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()

experiment = mlflow.set_experiment("greedy").experiment_id
client = MlflowClient()


def work(number):
    """One thread: a run of its own, and batches for it as fast as the server takes them."""
    acknowledged, failures = 0, []
    try:
        run_id = client.create_run(experiment, run_name=f"greedy-{number}").info.run_id
    except (MlflowException, RequestException) as problem:
        return 0, 0, [str(problem)[:300]]
    while not stop.is_set():
        now = int(time.time() * 1000)
        points = [Metric(f"metric-{index}", index / 7, now, acknowledged) for index in range(METRICS)]
        try:
            client.log_batch(run_id, metrics=points)
            acknowledged += 1
        except (MlflowException, RequestException) as problem:
            failures.append(str(problem)[:300])
    stored = len(client.get_metric_history(run_id, "metric-0"))
    return acknowledged, stored, failures


with ThreadPoolExecutor(THREADS) as pool:
    results = list(pool.map(work, range(THREADS)))
print(
    json.dumps(
        {
            "acknowledged": sum(acknowledged for acknowledged, _, _ in results),
            "stored": sum(stored for _, stored, _ in results),
            "failures": [failure for _, _, failures in results for failure in failures],
        }
    ),
    flush=True,
)
