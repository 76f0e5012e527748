"""Registers three versions of a model: the first two answer with their own number, the third does not load.

Runs in the team's namespace, in the image of its model servers. Prints the versions as JSON.
"""

import json
import os
import sys

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.dummy import DummyRegressor

NAME = sys.argv[1]
EXAMPLE = np.array([[1.0, 2.0]])


class Broken(mlflow.pyfunc.PythonModel):
    """Can be registered, but fails to load in a model server."""

    def load_context(self, context):
        if "MODEL_VERSION" in os.environ:
            raise RuntimeError("the model needs a file that only its author has")

    def predict(self, context, model_input, params=None):
        return [0.0] * len(model_input)


mlflow.set_experiment(NAME)
client = MlflowClient()
if not client.search_registered_models(f"name = '{NAME}'"):
    client.create_registered_model(NAME)
# Versions of an earlier run stay.
first = 1 + max((int(one.version) for one in client.search_model_versions(f"name = '{NAME}'")), default=0)
versions = []
for answer in (float(first), float(first + 1)):
    regressor = DummyRegressor(strategy="constant", constant=answer).fit(EXAMPLE, [answer])
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(regressor, name="model", input_example=EXAMPLE, pip_requirements=[])
    versions.append(mlflow.register_model(info.model_uri, NAME).version)
with mlflow.start_run():
    info = mlflow.pyfunc.log_model(name="model", python_model=Broken(), input_example=EXAMPLE, pip_requirements=[])
versions.append(mlflow.register_model(info.model_uri, NAME).version)
print(json.dumps([str(version) for version in versions]))
