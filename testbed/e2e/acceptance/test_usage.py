"""The counts of `make usage` equal those of the database's superuser, and the store's listing."""

import json

import pytest

from testbed.e2e import kube
from testbed.e2e.commands import run
from tools.stack import Platform

SECONDS = 120
# Other tests log meanwhile.
TOLERANCE = 0.05
COUNTS = {
    "runs": "SELECT e.workspace, count(*) FROM runs JOIN experiments e USING (experiment_id) GROUP BY 1",
    "trace_info": "SELECT e.workspace, count(*) FROM trace_info JOIN experiments e USING (experiment_id) GROUP BY 1",
    "registered_models": "SELECT workspace, count(*) FROM registered_models GROUP BY 1",
}
LIST = """
import os, boto3
s3 = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="mlflow", Prefix="workspaces/team-a/")
print(sum(one["Size"] for page in pages for one in page.get("Contents", [])))
"""


def counted(statement: str, namespace: str) -> dict[str, int]:
    psql = ("psql", "--username=postgres", "--dbname=mlflow", "--tuples-only", "--no-align", f"--command={statement}")
    lines = kube.kubectl("exec", "postgres-0", f"--namespace={namespace}", "--", *psql).stdout.splitlines()
    return {team: int(number) for team, number in (line.split("|") for line in lines)}


def test_the_usage_of_each_team_is_what_database_and_store_hold(platform: Platform) -> None:
    said = json.loads(run("make", "--silent", "usage", "FORMAT=json", seconds=SECONDS).stdout)
    usage = {one["team"]: one for one in said["teams"]}
    assert usage.keys() == platform.teams.keys()
    for table, statement in COUNTS.items():
        truth = counted(statement, platform.namespace)
        for team, one in usage.items():
            assert one["rows"][table] == pytest.approx(truth.get(team, 0), rel=TOLERANCE, abs=5), (team, table)
    into = ("exec", "deployment/mlflow", f"--namespace={platform.namespace}", "--container=mlflow", "--")
    listed = int(kube.kubectl(*into, "python3", "-c", LIST).stdout.splitlines()[-1])
    assert usage["team-a"]["fileBytes"] == pytest.approx(listed, rel=TOLERANCE, abs=2**20)
