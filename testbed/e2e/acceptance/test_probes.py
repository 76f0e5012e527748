"""Probes, sizes and switched-off features of the deployed pods, as Kubernetes has them."""

import pytest

from testbed.e2e import kube
from tools.stack import Platform


@pytest.fixture(scope="module")
def server(platform: Platform) -> kube.Object:
    """The server's container."""
    containers = kube.pod_of("mlflow", platform.namespace)["spec"]["containers"]
    (found,) = [one for one in containers if one["name"] == "mlflow"]
    return found


def test_liveness_and_readiness_ask_for_health_as_often_as_documented(server: kube.Object) -> None:
    live, ready = server["livenessProbe"], server["readinessProbe"]
    assert live["httpGet"]["path"] == ready["httpGet"]["path"] == "/health"
    assert (live["initialDelaySeconds"], live["periodSeconds"]) == (15, 30)
    # No delay: the startup probe stands before both others.
    assert (ready.get("initialDelaySeconds", 0), ready["periodSeconds"]) == (0, 10)


def test_a_slow_start_is_waited_for_by_a_startup_probe(server: kube.Object) -> None:
    start = server["startupProbe"]
    assert start["httpGet"]["path"] == "/health"
    assert start["periodSeconds"] * start["failureThreshold"] == 600


def test_every_container_of_the_platform_has_requests_and_limits(platform: Platform) -> None:
    pods = kube.objects("pods", f"--namespace={platform.namespace}")
    assert pods
    containers = [
        (pod["metadata"]["name"], one["name"], one.get("resources", {}))
        for pod in pods
        for one in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
    ]
    lacking = [
        (pod, name)
        for pod, name, resources in containers
        if not all({"cpu", "memory"} <= resources.get(field, {}).keys() for field in ("requests", "limits"))
    ]
    assert lacking == []


def test_telemetry_jobs_and_the_ai_gateway_are_off(server: kube.Object) -> None:
    variables = {one["name"]: one.get("value") for one in server["env"]}
    assert variables["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert variables["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert variables["MLFLOW_ENABLE_AI_GATEWAY"] == "false"
    assert "MLFLOW_PLATFORM_FEATURES" not in variables
