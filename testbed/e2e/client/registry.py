"""Makes a registered model of two versions: the first in the stage Production, the second with the alias champion.

Runs with the published MLflow client; its environment says where the server is. Prints one JSON object: what it made.
"""

import json
import sys
import warnings

import mlflow
from mlflow import MlflowClient

# Stages are deprecated, and people use them.
warnings.simplefilter("ignore")
model = sys.argv[1]
client = MlflowClient()
mlflow.set_experiment(model)
with mlflow.start_run() as run:
    mlflow.log_text("weights", "model/weights.txt")
if not client.search_registered_models(f"name = '{model}'"):
    client.create_registered_model(model)
source = f"runs:/{run.info.run_id}/model"
first, second = (str(client.create_model_version(model, source, run.info.run_id).version) for _ in range(2))
client.transition_model_version_stage(model, first, "Production", archive_existing_versions=True)
client.set_registered_model_alias(model, "champion", second)
print(
    json.dumps(
        {
            "versions": [first, second],
            "stages": {version: client.get_model_version(model, version).current_stage for version in (first, second)},
            "champion": str(client.get_model_version_by_alias(model, "champion").version),
        }
    )
)
