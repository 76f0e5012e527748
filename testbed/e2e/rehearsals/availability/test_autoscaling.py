"""The autoscaler at work, on metrics-server's figures: replicas come under load and go after it.

The HorizontalPodAutoscaler is the platform's own except for one field: Kubernetes removes a replica after five
minutes without load, which is shortened here.
"""

import json
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import clients
from benchmarks.load import Plan
from testbed.e2e import kube, variant
from testbed.e2e.commands import CHECKOUT
from testbed.e2e.figures import Figures
from tools.stack import Platform

TEAM = "team-a"
METRICS_SERVER = CHECKOUT / "testbed" / "e2e" / "metrics-server.yaml"
# Bounds of single waits; a replica's start takes 12-14 s of CPU, with the clients on the same two cores.
SECONDS = 180
LONGEST_SECONDS = 2 * SECONDS
CLIENTS = 32
PAUSE_SECONDS = 1.0
LEAST, MOST = 2, 3
SERVER: variant.Config = {
    "image": "localhost/mlflow-platform/mlflow:3.17.2",
    "replicas": LEAST,
    # (3 + 1) x 1 x 2 x (10 + 5) = 120 of the 140 connections that the development database has to give.
    "poolSize": 10,
    "poolOverflow": 5,
}
# 100m of the server's 250m. Idle it takes a tenth of that, with these clients twice as much.
AUTOSCALED: variant.Config = {**SERVER, "autoscaling": {"maxReplicas": MOST, "cpuPercent": 40}}

pytestmark = pytest.mark.chapters


def section(server: variant.Config) -> variant.Config:
    """A change of the stack file."""
    return {"mlflow-platform:server": server}


@pytest.fixture(scope="module")
def metrics() -> Generator[None]:
    """A metrics server, which starts while the platform is deployed."""
    kube.kubectl("apply", "--server-side", f"--filename={METRICS_SERVER}")
    try:
        yield
    finally:
        kube.kubectl("delete", "--wait=false", f"--filename={METRICS_SERVER}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the stack file."""
    return tmp_path_factory.mktemp("autoscaling")


@pytest.fixture(scope="module")
def platform(metrics: None, folder: Path) -> Iterator[Platform]:
    """The `dev` stack with two replicas, and no autoscaler yet."""
    assert metrics is None
    yield variant.deploy(folder, section(SERVER))
    # Pulumi deletes the autoscaler last. Until then it would undo a lower number of replicas.
    variant.attempt(folder, section(SERVER))
    variant.restore()


@pytest.fixture(scope="module")
def load(platform: Platform) -> Generator[clients.Clients]:
    """Clients in the ingress controller's network that log until they are told to end."""
    account = platform.teams[TEAM]
    audience = f"--audience={platform.audience}"
    way = clients.way(platform, TEAM, kube.token(account.namespace, account.service_account, audience))
    run_id = clients.make_run(replace(way, address=("127.0.0.1", 443)), "autoscaling")
    (controller,) = clients.pods("traefik", "traefik")
    plan = Plan(way=way, run_id=run_id, clients=CLIENTS, seconds=LONGEST_SECONDS, pause=PAUSE_SECONDS)
    at_work = clients.start(plan, controller["traefik"])
    try:
        yield at_work
    finally:
        at_work.kill()


def until(condition: str, what: str, *options: str) -> None:
    """Wait for an event."""
    kube.kubectl("wait", f"--for={condition}", what, f"--timeout={SECONDS}s", *options, seconds=SECONDS + 10)


def until_replicas(platform: Platform, number: int) -> None:
    """Wait until the autoscaler wants this number of replicas, and all of them serve."""
    for field in ("spec.replicas", "status.readyReplicas", "status.replicas"):
        until(f"jsonpath={{.{field}}}={number}", "deployment/mlflow", f"--namespace={platform.namespace}")


def autoscaler(platform: Platform) -> str:
    """Name of the only HorizontalPodAutoscaler."""
    (found,) = kube.objects("horizontalpodautoscalers", f"--namespace={platform.namespace}")
    return f"horizontalpodautoscaler/{found['metadata']['name']}"


def serving(platform: Platform) -> set[str]:
    """Uids of the pods that serve and are not terminating."""
    found = kube.objects("pods", f"--namespace={platform.namespace}", "--selector=app.kubernetes.io/name=mlflow")
    return {
        pod["metadata"]["uid"] for pod in found if kube.is_ready(pod) and "deletionTimestamp" not in pod["metadata"]
    }


def test_every_replica_stays_when_the_autoscaler_is_switched_on(platform: Platform, folder: Path) -> None:
    before = serving(platform)
    assert len(before) == LEAST
    until("condition=Available", "apiservice/v1beta1.metrics.k8s.io")
    variant.attempt(folder, section(AUTOSCALED))
    until("condition=ScalingActive", autoscaler(platform), f"--namespace={platform.namespace}")
    assert serving(platform) == before


def test_a_replica_is_added_under_load(platform: Platform, load: clients.Clients, figures: Figures) -> None:
    start = time.monotonic()
    until(f"jsonpath={{.spec.replicas}}={MOST}", "deployment/mlflow", f"--namespace={platform.namespace}")
    asked = time.monotonic() - start
    until_replicas(platform, MOST)
    figures.add(
        f"autoscaling: from load to a further replica that serves (asked for after {asked:.0f} s)",
        time.monotonic() - start,
    )
    outcome = load.end()
    assert outcome.failures == {}
    assert len(outcome.latencies) > CLIENTS


def test_it_is_taken_away_after_the_load(platform: Platform, figures: Figures) -> None:
    start = time.monotonic()
    at_once = json.dumps({"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}})
    space = f"--namespace={platform.namespace}"
    kube.kubectl("patch", autoscaler(platform), space, "--type=merge", f"--patch={at_once}")
    until_replicas(platform, LEAST)
    figures.add("autoscaling: from the end of the load to one replica less", time.monotonic() - start)


def test_it_starts_again_after_a_pause(platform: Platform, folder: Path) -> None:
    variant.attempt(folder, section(SERVER | {"paused": True}))
    assert serving(platform) == set()
    variant.attempt(folder, section(AUTOSCALED))
    until_replicas(platform, LEAST)
