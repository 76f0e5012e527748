"""Prints the ids of all runs of the experiment that `keep_logging.py` writes to."""

import json

from mlflow import MlflowClient

client = MlflowClient()
experiment = client.get_experiment_by_name("healing")
found, token = [], None
while True:
    page = client.search_runs([experiment.experiment_id], max_results=1000, page_token=token)
    found += [run.info.run_id for run in page]
    token = page.token
    if not token:
        break
print(json.dumps(found))
