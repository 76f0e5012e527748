"""A DAG of Airflow trains in a pod of the team's namespace, and registers the model from a worker elsewhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.e2e import kube
from testbed.e2e.hub import program_image
from testbed.e2e.web import Site
from tests import snippets
from tools.stack import Platform

NAMESPACE = "airflow"
WORKER = "system:serviceaccount:airflow:airflow-worker"
DAG_SECONDS = 300
COMMAND = "airflow db migrate && airflow dags test nightly"
SIDECAR = {"in_cluster": True, "xcom_sidecar_container_image": program_image("notebook")}


@pytest.fixture(scope="module")
def log(platform: Platform) -> Iterator[str]:
    """Airflow's log of a run of docs/airflow.md's DAG in a worker."""
    assert platform.teams
    kube.kubectl("create", "namespace", NAMESPACE)
    try:
        label = "pod-security.kubernetes.io/enforce=restricted"
        kube.kubectl("label", "namespace", NAMESPACE, label)
        kube.kubectl("create", "serviceaccount", "airflow-worker", f"--namespace={NAMESPACE}")
        kube.kubectl("apply", "--filename=-", stdin=snippets.airflow_rights())
        dag = snippets.airflow_dag().replace("registry.example.com/training:1.0", program_image("notebook"))
        kube.kubectl("create", "configmap", "dags", f"--namespace={NAMESPACE}", f"--from-literal=nightly.py={dag}")
        yield kube.run_pod(_worker(), seconds=DAG_SECONDS)
    finally:
        kube.kubectl("delete", "namespace", NAMESPACE, seconds=120)
        kube.kubectl("delete", "--ignore-not-found", "--filename=-", stdin=snippets.airflow_rights())


@pytest.fixture
def version(log: str, site: Site, team_a: str) -> dict[str, Any]:
    """The model version that the DAG registered."""
    assert log
    path = "/api/2.0/mlflow/registered-models/alias?name=nightly&alias=challenger"
    return site.ask("GET", path, token=team_a, workspace="team-a").json()["model_version"]


@pytest.fixture
def team_a(platform: Platform) -> str:
    team = platform.teams["team-a"]
    return kube.token(team.namespace, team.service_account, "--audience=mlflow")


def test_the_version_that_a_worker_registers_is_of_the_run_that_the_pod_logged(
    version: dict[str, Any], site: Site, team_a: str
) -> None:
    path = f"/api/2.0/mlflow/runs/get?run_id={version['run_id']}"
    run = site.ask("GET", path, token=team_a, workspace="team-a").json()["run"]
    assert run["info"]["user_id"] == "system:serviceaccount:team-a:mlflow-client"
    assert run["info"]["status"] == "FINISHED"
    assert {"checked.by": "nightly"}.items() <= {tag["key"]: tag["value"] for tag in run["data"]["tags"]}.items()
    assert "training_accuracy_score" in {metric["key"] for metric in run["data"]["metrics"]}


def test_the_tasks_pod_is_gone(log: str) -> None:
    assert log
    pods = kube.objects("pods", "--namespace=team-a", "--selector=dag_id=nightly")
    assert [pod["metadata"]["name"] for pod in pods] == []


def _worker() -> kube.Object:
    """A worker's pod with the environment of docs/airflow.md."""
    settings = {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW_CONN_KUBERNETES_DEFAULT": json.dumps({"conn_type": "kubernetes", "extra": SIDECAR}),
    }
    environment = [*snippets.airflow_environment(), *({"name": key, "value": value} for key, value in settings.items())]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "worker", "namespace": NAMESPACE},
        "spec": {
            "serviceAccountName": "airflow-worker",
            "restartPolicy": "Never",
            "enableServiceLinks": False,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "worker",
                    "image": program_image("airflow"),
                    "command": ["sh", "-c", COMMAND],
                    "env": environment,
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    "volumeMounts": [
                        {"name": "dags", "mountPath": "/opt/airflow/dags/nightly.py", "subPath": "nightly.py"}
                    ],
                }
            ],
            "volumes": [{"name": "dags", "configMap": {"name": "dags"}}],
        },
    }
