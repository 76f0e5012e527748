"""Prints whether an experiment exists, and its number of files: `look_for_one.py NAME`, as the team's client."""

import json
import sys

import mlflow


def main():
    """Print the result as JSON."""
    client = mlflow.MlflowClient()
    found = client.get_experiment_by_name(sys.argv[1])
    runs = client.search_runs([found.experiment_id]) if found else []
    files = sum(len(client.list_artifacts(run.info.run_id)) for run in runs)
    print(json.dumps({"there": found is not None, "runs": len(runs), "files": files}))


if __name__ == "__main__":
    main()
