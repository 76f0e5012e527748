"""Logs two runs with realistic curves, once, for the pages that the browser opens. Prints the ids."""

import json
import math
import sys
import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

STEPS = 120
LEARNING_RATES = (0.02, 0.05)

experiment = mlflow.set_experiment(sys.argv[1])
client = MlflowClient()
runs = [run.info.run_id for run in client.search_runs([experiment.experiment_id], max_results=len(LEARNING_RATES))]
for rate in LEARNING_RATES[len(runs) :]:
    with mlflow.start_run(run_name=f"gradient-boosting-{rate}") as run:
        runs.append(run.info.run_id)
        now = int(time.time() * 1000)
        curves = {
            "train/loss": lambda step: 0.08 + 0.9 * math.exp(-rate * step) + 0.01 * math.sin(step),
            "validation/loss": lambda step: 0.14 + 0.86 * math.exp(-rate * step) + 0.02 * math.sin(step / 2),
            "validation/accuracy": lambda step: 0.96 - 0.5 * math.exp(-rate * step) - 0.01 * math.sin(step / 3),
        }
        points = [
            Metric(name, curve(step), now + 1000 * step, step) for name, curve in curves.items() for step in range(STEPS)
        ]
        client.log_batch(
            run.info.run_id, metrics=points, params=[Param("learning_rate", str(rate)), Param("max_depth", "8")]
        )
print(json.dumps({"experiment_id": experiment.experiment_id, "run_ids": runs}))
