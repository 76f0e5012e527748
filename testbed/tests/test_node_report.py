"""The output of `status`."""

import json
from dataclasses import replace
from pathlib import Path

from testbed.node.health import Problem
from testbed.node.report import Report
from testbed.node.volumes import Volume

GOOD = Report(
    node_pid=41,
    port_forward_pid=42,
    problems=[],
    volumes=[Volume("volume-1", "Bound", "mlflow/data"), Volume("volume-2", "Available", "")],
    volume_directory=Path("/data/volumes"),
)


def test_the_status_of_a_healthy_cluster_takes_a_few_lines() -> None:
    assert GOOD.as_text().splitlines() == [
        "node     running (pid 41)",
        "ports    127.0.0.1:443 (platform), 127.0.0.1:16443 (API server) (pid 42)",
        "url      https://mlflow.localhost",
        "health   good",
        "volumes  1 in use or kept, 1 free, in /data/volumes",
        "         volume-1: mlflow/data",
    ]


def test_each_problem_is_named() -> None:
    report = replace(GOOD, problems=[Problem("pod team-a/one", "server: CrashLoopBackOff")])
    assert not report.healthy
    assert "         pod team-a/one: server: CrashLoopBackOff" in report.as_text().splitlines()


def test_a_released_volume_is_named_with_the_command_to_delete_it() -> None:
    report = replace(GOOD, volumes=[Volume("volume-9", "Released", "mlflow/data")])
    text = report.as_text()
    assert "volume-9: released, belonged to mlflow/data" in text
    assert "kubectl delete pv NAME && rm -r /data/volumes/NAME" in text


def test_data_of_an_earlier_cluster_is_named() -> None:
    report = replace(GOOD, volumes=[Volume("volume-9", "Kept", "")])
    assert "volume-9: kept from an earlier cluster, belonged to an unknown PersistentVolumeClaim" in report.as_text()


def test_json_has_the_same_content() -> None:
    values = json.loads(GOOD.as_json())
    assert (values["healthy"], values["node_pid"], values["url"]) == (True, 41, "https://mlflow.localhost")
    assert values["volumes"][0] == {"name": "volume-1", "phase": "Bound", "claim": "mlflow/data"}
