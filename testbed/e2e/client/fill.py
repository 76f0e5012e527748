"""Logs one of everything that an upgrade has to keep, for the test to multiply. Prints the ids."""

import json

import mlflow
import numpy
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, AssessmentSourceType

client = MlflowClient()
experiment = mlflow.set_experiment("upgrade").experiment_id
with mlflow.start_run(run_name="first") as run:
    mlflow.log_params({f"parameter-{number}": number / 7 for number in range(5)})
    for step in range(10):
        mlflow.log_metrics({"loss": 1 / (1 + step), "accuracy": step / 10}, step=step)
    mlflow.log_metric("strange", float("nan"))
    mlflow.set_tags({"purpose": "upgrade", "unicode": "größer 数据"})
    mlflow.log_input(mlflow.data.from_numpy(numpy.arange(10.0), name="numbers"), context="training")
    mlflow.log_text("kept\n", "folder/note.txt")

for name in ("forecast", "ranking", "churn"):
    client.create_registered_model(name, tags={"team": "a"}, description=f"the {name} model")
    for number in range(3):
        client.create_model_version(name, f"runs:/{run.info.run_id}/folder", run.info.run_id, tags={"n": str(number)})
    client.set_registered_model_alias(name, "champion", 2)
    client.set_registered_model_alias(name, "challenger", 3)

traces = []
for number in range(5):
    with mlflow.start_span("answer", span_type="CHAIN") as span:
        span.set_inputs({"question": number})
        with mlflow.start_span("think", span_type="LLM") as inner:
            inner.set_attributes(
                {
                    "mlflow.llm.model": "some-model",
                    "mlflow.chat.tokenUsage": {"input_tokens": 10, "output_tokens": number, "total_tokens": 10 + number},
                }
            )
        span.set_outputs({"answer": number * 2})
    traces.append(span.trace_id)
mlflow.flush_trace_async_logging()
source = AssessmentSource(source_type=AssessmentSourceType.HUMAN, source_id="alice@example.com")
for trace in traces:
    mlflow.log_feedback(trace_id=trace, name="right", value=True, source=source, rationale="checked")
print(json.dumps({"experiment": experiment, "run": run.info.run_id, "traces": traces}))
