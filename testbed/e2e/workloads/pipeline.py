"""Components of a pipeline, called one after the other: train, evaluate, register, serve. Prints one JSON object.

The pod gives the client a service account and the ready-made environment, nothing else.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

MODEL = "pipeline-model"
ALIAS = "champion"
WEIGHTS_BYTES = 1024 * 1024
CASES = {1: 3, 2: 6, 5: 15}
OTHER_TEAM = "team-b"


class Thrice(mlflow.pyfunc.PythonModel):
    """A model with its own file, which multiplies by three."""

    def load_context(self, context):
        self.weights = Path(context.artifacts["weights"]).read_bytes()

    def predict(self, model_input: list[int]) -> list[int]:
        return [3 * value for value in model_input]


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def train():
    """Log a model; returns its URI and its weights."""
    mlflow.set_experiment("pipeline")
    with mlflow.start_run(run_name="train"), tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.bin"
        weights.write_bytes(os.urandom(WEIGHTS_BYTES))
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=Thrice(),
            artifacts={"weights": str(weights)},
            # Nothing beyond Python: finding out what a model imports would load it in another process.
            pip_requirements=[],
        )
        return logged.model_uri, digest(weights)


def evaluate(model_uri):
    """Share of the cases in which the model's prediction is right."""
    predicted = mlflow.pyfunc.load_model(model_uri).predict(list(CASES))
    right = sum(found == expected for found, expected in zip(predicted, CASES.values(), strict=True))
    with mlflow.start_run(run_name="evaluate"):
        mlflow.log_metric("accuracy", right / len(CASES))
    return right / len(CASES)


def register(model_uri, accuracy):
    """Register a new version, which becomes the champion."""
    version = mlflow.register_model(model_uri, MODEL).version
    client = MlflowClient()
    client.set_model_version_tag(MODEL, version, "accuracy", str(accuracy))
    client.set_registered_model_alias(MODEL, ALIAS, version)
    return str(version)


def serve():
    """Load the champion; returns its predictions, the digest of its file, its version and its tags."""
    uri = f"models:/{MODEL}@{ALIAS}"
    champion = MlflowClient().get_model_version_by_alias(MODEL, ALIAS)
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    return {
        "predictions": mlflow.pyfunc.load_model(uri).predict([7, 8]),
        "came_back": digest(next(folder.rglob("weights.bin"))),
        "champion": str(champion.version),
        "tags": champion.tags,
    }


def intrude():
    """Try to register a model in the other team's workspace; returns the error, or nothing if it succeeds."""
    mlflow.set_workspace(OTHER_TEAM)
    try:
        mlflow.register_model("models:/m-00000000000000000000000000000000", "intruder")
    except MlflowException as error:
        return str(error)
    return ""


model, sent = train()
score = evaluate(model)
made = register(model, score)
print(json.dumps({"sent": sent, "accuracy": score, "version": made, **serve(), "refusal": intrude()}))
