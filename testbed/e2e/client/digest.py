"""Reads everything that `fill.py` logged and the test multiplied. Prints counts, and a digest of each kind."""

import hashlib
import json
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

PAGE = 1000

client = MlflowClient()
experiment = client.get_experiment_by_name("upgrade")


def pages(search):
    """All results of a search, page by page."""
    token = None
    while True:
        found = search(token)
        yield from found
        token = found.token
        if not token:
            return


def of_run(run):
    """The data of a run."""
    return [
        run.info.run_id, run.info.run_name, run.info.status, run.info.start_time, run.info.end_time,
        run.info.artifact_uri, run.info.user_id, run.data.params,
        # A NaN equals nothing, not even itself.
        {name: str(value) for name, value in run.data.metrics.items()}, run.data.tags,
        [[given.dataset.name, given.dataset.digest, [[tag.key, tag.value] for tag in given.tags]]
         for given in run.inputs.dataset_inputs],
    ]  # fmt: skip


def of_trace(trace):
    """The data of a trace."""
    return [
        trace.info.trace_id, trace.info.request_time, str(trace.info.state), trace.info.execution_duration,
        sorted([span.span_id, span.parent_id or "", span.name, span.span_type, span.inputs, span.outputs]
               for span in trace.data.spans),
        sorted([one.name, str(one.value), one.rationale] for one in trace.info.assessments),
        trace.info.tags, trace.info.trace_metadata, trace.info.token_usage,
    ]  # fmt: skip


runs = [of_run(run) for run in pages(lambda token: client.search_runs([experiment.experiment_id], "", 1, PAGE, None, token))]
run = next(run[0] for run in runs if run[1] == "first")
models = [
    [model.name, model.description, model.tags, dict(sorted(model.aliases.items()))]
    for model in client.search_registered_models()
    if model.name in {"forecast", "ranking", "churn"}
]
versions = [
    [version.name, version.version, version.source, version.run_id, version.tags, sorted(version.aliases)]
    for model in models
    for version in client.search_model_versions(f"name = '{model[0]}'")
]
traces = [
    of_trace(trace)
    for trace in pages(
        lambda token: client.search_traces(locations=[experiment.experiment_id], max_results=100, page_token=token)
    )
]
with tempfile.TemporaryDirectory() as folder:
    path = mlflow.artifacts.download_artifacts(run_id=run, artifact_path="folder/note.txt", dst_path=folder)
    artifacts = [Path(path).read_text(encoding="utf-8")]
history = [[point.step, point.value] for point in client.get_metric_history(run, "loss")]
everything = {
    "runs": runs, "history": history, "models": models, "versions": versions, "traces": traces, "artifacts": artifacts,
}  # fmt: skip
print(
    json.dumps(
        {
            kind: [
                len(found),
                hashlib.sha256(json.dumps(sorted(found, key=repr), sort_keys=True, default=str).encode()).hexdigest(),
            ]
            for kind, found in everything.items()
        }
    )
)
