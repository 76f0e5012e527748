"""A notebook session of a team, cell by cell. Prints one JSON object: the data sent, and the data read back.

The pod gives the client a service account and the ready-made environment, nothing else.
"""

import contextlib
import hashlib
import io
import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

STEPS = 20
WEIGHTS_BYTES = 1024 * 1024
OTHER_TEAM = "team-b"
TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def loss(depth, step):
    return round(1 / (depth + step), 6)


# A search over one parameter: a run for each value, below a run for the search.
mlflow.set_experiment("notebook")
said = io.StringIO()
with contextlib.redirect_stdout(said), mlflow.start_run(run_name="search") as search:
    for depth in (2, 4):
        with mlflow.start_run(run_name=f"depth {depth}", nested=True):
            mlflow.log_param("depth", depth)
            for step in range(STEPS):
                mlflow.log_metric("loss", loss(depth, step), step=step)
    points = " ".join(f"{10 * step},{100 * loss(2, step):.1f}" for step in range(STEPS))
    figure = f'<svg xmlns="http://www.w3.org/2000/svg"><polyline points="{points}" fill="none" stroke="blue"/></svg>'
    mlflow.log_text(figure, "figures/loss.svg")
    mlflow.log_table({"depth": [2, 4], "verdict": ["shallow", "deep"]}, "search.json")
    weights = Path("weights.bin")
    weights.write_bytes(os.urandom(WEIGHTS_BYTES))
    mlflow.log_artifact(str(weights))

# A later cell looks at what is there.
client = MlflowClient()
children = mlflow.search_runs(
    filter_string=f"tags.mlflow.parentRunId = '{search.info.run_id}'", output_format="list", order_by=["params.depth"]
)
curves = {
    run.data.params["depth"]: [point.value for point in client.get_metric_history(run.info.run_id, "loss")]
    for run in children
}
user = client.get_run(search.info.run_id).info.user_id
figure_that_came_back = mlflow.artifacts.load_text(f"{search.info.artifact_uri}/figures/loss.svg")
table = mlflow.load_table("search.json", run_ids=[search.info.run_id])
came_back = mlflow.artifacts.download_artifacts(run_id=search.info.run_id, artifact_path="weights.bin", dst_path="back")

# The other team's workspace: as the client is refused, and as whoever sends the requests himself.
mlflow.set_workspace(OTHER_TEAM)
try:
    mlflow.create_experiment("intruder")
    refusal = ""
except MlflowException as error:
    refusal = str(error)
request = urllib.request.Request(
    f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/create",
    data=json.dumps({"name": "intruder"}).encode(),
    headers={
        "Authorization": f"Bearer {TOKEN.read_text()}",
        "X-MLFLOW-WORKSPACE": OTHER_TEAM,
        "Content-Type": "application/json",
    },
)
try:
    status = urllib.request.urlopen(request).status
except urllib.error.HTTPError as error:
    status = error.code

print(
    json.dumps(
        {
            "run_id": search.info.run_id,
            "user": user,
            "link": said.getvalue(),
            "names": [run.info.run_name for run in children],
            "curves": curves,
            "expected_curves": {str(depth): [loss(depth, step) for step in range(STEPS)] for depth in (2, 4)},
            "figure": figure,
            "figure_that_came_back": figure_that_came_back,
            "table": table.to_dict("list"),
            "expected_table": {"depth": [2, 4], "verdict": ["shallow", "deep"]},
            "sent": hashlib.sha256(weights.read_bytes()).hexdigest(),
            "came_back": hashlib.sha256(Path(came_back).read_bytes()).hexdigest(),
            "refusal": refusal,
            "status": status,
        }
    )
)
