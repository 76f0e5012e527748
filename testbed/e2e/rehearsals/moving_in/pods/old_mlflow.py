"""Fills an old MLflow: `old_mlflow.py TRACKING_URI ARTIFACTS FOLDER SUFFIX`; prints what it made as JSON.

Three experiments with files, nested runs, datasets, logged and registered models, a prompt and traces; besides a
deleted run, a deleted experiment, and a registered model without its second version. ARTIFACTS is the folder for artifacts, empty if a server chooses it; FOLDER is for files that are uploaded. Names end with SUFFIX.
"""

import json
import math
import os
import sys
from pathlib import Path

import mlflow
import numpy as np
from mlflow.entities import Metric, Param
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

POINTS = 2500


class Doubler(mlflow.pyfunc.PythonModel):
    """A model without any framework."""

    def predict(self, context, model_input, params=None):
        """Twice the input."""
        return model_input * 2


def training(client, experiment, model):
    """A parent with two nested runs, long histories, datasets, models and their evaluation."""
    made = {}
    signature = ModelSignature(Schema([ColSpec("double", "x")]), Schema([ColSpec("double", "x")]))
    with mlflow.start_run(experiment_id=experiment, run_name="sweep", description="two rates") as parent:
        mlflow.set_tag("team.note", f"see {parent.info.run_id}")
        for rate in (0.1, 0.01):
            with mlflow.start_run(experiment_id=experiment, nested=True, run_name=f"rate {rate}") as run:
                mlflow.log_params({"rate": rate, "text": "größer " * 100, "empty": ""})
                client.log_batch(run.info.run_id, params=[Param(f"p{number}", str(number)) for number in range(120)])
                for start in range(0, POINTS, 500):
                    points = [Metric("loss", 1 / (step + 1), 1_700_000_000_000 + step, step)
                              for step in range(start, start + 500)]  # fmt: skip
                    client.log_batch(run.info.run_id, metrics=points)
                mlflow.log_metrics({"odd": math.nan, "huge": math.inf}, step=3)
                data = mlflow.data.from_numpy(np.arange(12.0).reshape(6, 2), name=f"data {rate}")
                mlflow.log_input(data, context="training", tags={"split": "a"})
                info = mlflow.pyfunc.log_model(
                    name="doubler", python_model=Doubler(), signature=signature, pip_requirements=["numpy"],
                    registered_model_name=model,
                )  # fmt: skip
                mlflow.log_metric("accuracy", 0.9, dataset=data, model_id=info.model_id)
                made[f"rate {rate}"] = [run.info.run_id, info.model_id]
    made["sweep"] = [parent.info.run_id]
    return made


def registry(client, source, run_id, suffix):
    """Tags, an alias and a deleted version of the registered model; a second model, from a run's files; a prompt."""
    doubler, files, greeting = (f"{name}{suffix}" for name in ("doubler", "from-files", "greeting"))
    mlflow.register_model(f"models:/{source}", doubler)
    client.delete_model_version(doubler, "2")
    client.update_registered_model(doubler, "doubles numbers")
    client.set_registered_model_tag(doubler, "owner", "alice")
    client.set_model_version_tag(doubler, "3", "checked", "yes")
    client.update_model_version(doubler, "3", "the last one")
    client.set_registered_model_alias(doubler, "champion", "3")
    client.create_registered_model(files)
    location = client.get_run(run_id).info.artifact_uri
    client.create_model_version(files, f"{location}/deep", run_id)
    mlflow.genai.register_prompt(greeting, "Hello {{name}}", tags={"tone": "kind"})
    mlflow.genai.register_prompt(greeting, "Good day {{name}}")
    mlflow.genai.set_prompt_alias(greeting, "live", 2)


def files(experiment, folder):
    """Runs with files of many kinds."""
    ids = []
    for number in range(4):
        with mlflow.start_run(experiment_id=experiment, run_name=f"files {number}") as run:
            source = folder / f"run-{number}"
            (source / "deep" / "deeper").mkdir(parents=True)
            (source / "empty.txt").touch()
            (source / "deep" / "deeper" / "large.bin").write_bytes(os.urandom(1 << 20) + bytes([number]))
            (source / "deep" / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
            (source / "a name with spaces, and ümlaut.json").write_text(json.dumps({"n": number}), encoding="utf-8")
            mlflow.log_artifacts(str(source))
            ids.append(run.info.run_id)
    return ids


def traces(experiment):
    """Two traces of two spans, one with an assessment."""
    mlflow.set_experiment(experiment_id=experiment)
    found = []
    for question in ("why", "how"):
        with mlflow.start_span("outer", attributes={"depth": 0}) as outer:
            outer.set_inputs({"question": question})
            with mlflow.start_span("inner", span_type="TOOL") as inner:
                inner.set_outputs({"answer": 42})
            outer.set_outputs({"answer": 42})
        found.append(outer.trace_id)
    mlflow.flush_trace_async_logging()
    mlflow.log_feedback(trace_id=found[0], name="useful", value=True)
    mlflow.set_trace_tag(found[1], "kind", "demo")
    return found


def main():
    """Fill the old MLflow."""
    uri, artifacts, folder, suffix = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()

    def experiment(name, **tags):
        location = f"{artifacts}/{name}" if artifacts else None
        return client.create_experiment(name, artifact_location=location, tags=tags)

    trained = experiment(f"training{suffix}", owner="alice", **{"mlflow.note.content": "rates"})
    runs = training(client, trained, f"doubler{suffix}")
    with_files = experiment(f"files{suffix}")
    ids = files(with_files, folder)
    registry(client, runs["rate 0.1"][1], ids[0], suffix)
    asked = traces(experiment(f"questions{suffix}"))
    client.delete_run(ids[3])
    client.delete_experiment(experiment(f"gone{suffix}"))
    print(json.dumps({"training": runs, "files": ids, "traces": asked}))


if __name__ == "__main__":
    main()
