"""Logs some runs, and prints when each was acknowledged."""

import json
import sys
import time

import mlflow
from mlflow import MlflowClient

experiment = mlflow.set_experiment("healing").experiment_id
client = MlflowClient()
times = []
for number in range(int(sys.argv[1])):
    client.create_run(experiment, run_name=f"store-away-{number}")
    times.append(time.time())
print(json.dumps(times))
