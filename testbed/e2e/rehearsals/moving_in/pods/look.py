"""Prints the moved objects as the team's client sees them: `look.py SUFFIX PREFIX`, in that client's environment."""

import json
import sys

import mlflow
import pandas as pd


def main():
    """Print the objects as JSON."""
    suffix, prefix = sys.argv[1], sys.argv[2]
    client = mlflow.MlflowClient()
    names = {name: f"{prefix}{name}{suffix}" for name in ("training", "files", "questions", "doubler", "greeting")}
    runs = client.search_runs([client.get_experiment_by_name(names["training"]).experiment_id])
    by_name = {run.info.run_name: run for run in runs}
    child = by_name["rate 0.1"]
    model = mlflow.pyfunc.load_model(f"models:/{names['doubler']}@champion")
    files = client.search_runs([client.get_experiment_by_name(names["files"]).experiment_id])
    traces = client.search_traces(locations=[client.get_experiment_by_name(names["questions"]).experiment_id])
    print(
        json.dumps(
            {
                "runs": sorted(by_name),
                "twice": len(runs) - len({run.data.tags["adopted.id"] for run in runs}),
                "parent": child.data.tags["mlflow.parentRunId"] == by_name["sweep"].info.run_id,
                "points": len(client.get_metric_history(child.info.run_id, "loss")),
                "datasets": [one.dataset.name for one in child.inputs.dataset_inputs],
                "prediction": float(model.predict(pd.DataFrame({"x": [21.0]}))["x"][0]),
                "version": int(client.get_model_version_by_alias(names["doubler"], "champion").version),
                "prompt": client.get_prompt_version_by_alias(names["greeting"], "live").template,
                "files": len(files),
                "deep": sorted(one.path for one in client.list_artifacts(files[0].info.run_id, "deep")),
                "spans": sorted(span.name for span in traces[0].data.spans),
            }
        )
    )


if __name__ == "__main__":
    main()
