"""Pods of the server end while clients log: a rollout, and a node that is drained. No request fails.

Half of the clients come through the ingress and keep their connections, as programs outside the cluster do; the other
half ask the Service and open a connection for each request. No request is repeated. A kept connection to the Service
leads to one pod until that pod ends; the client then has to open a new connection, as MLflow's client does.
"""

import contextlib
import json
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import pytest

from benchmarks import clients
from benchmarks.load import Outcome, Plan, Way, together
from benchmarks.usage import Usage
from testbed import versions
from testbed.e2e import kube, variant
from testbed.e2e.commands import wait_for
from testbed.e2e.figures import Figures
from tools.stack import Platform

TEAM = "team-a"
CLIENTS = 64
# A loaded machine of two cores starts a server beside them, and has to be able to.
PAUSE_SECONDS = 1.0
# For the steadiest part of an operation to be seen by every client.
CALM_SECONDS = 8
# A start takes 12-14 s of CPU, with the clients on the same two cores; the end takes 15 and the longest request.
REPLACED_SECONDS = 400
LONGEST_SECONDS = 1800
SERVER = {
    "image": versions.MLFLOW_IMAGE,
    "replicas": 2,
    # (2 + 1) x 1 x 2 x (15 + 5) = 120 of the 140 connections that the development database has to give.
    "poolSize": 15,
    "poolOverflow": 5,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """The clients' load."""

    ways: tuple[tuple[Way, bool], ...]
    """The routes of the clients, each with True if its connections are kept open."""

    run_id: str
    network: Usage
    """A container in whose network the clients run."""

    @contextlib.contextmanager
    def flowing(self) -> Generator[Callable[[], Outcome]]:
        """Run clients that log during the block; yields a function that ends them and returns the outcome."""
        share = CLIENTS // len(self.ways)
        at_work = [
            clients.start(
                Plan(
                    way=way,
                    run_id=self.run_id,
                    clients=share,
                    seconds=LONGEST_SECONDS,
                    pause=PAUSE_SECONDS,
                    keep=keep,
                ),
                self.network,
            )
            for way, keep in self.ways
        ]
        time.sleep(CALM_SECONDS)
        try:
            yield lambda: together([group.end() for group in at_work])
        finally:
            for group in at_work:
                group.kill()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The `dev` stack with two replicas."""
    yield variant.deploy(tmp_path_factory.mktemp("rolling"), {"mlflow-platform:server": SERVER})
    variant.restore()


@pytest.fixture(scope="module")
def traffic(platform: Platform) -> Traffic:
    """Traffic from the network of the ingress controller, whose pod stays."""
    account = platform.teams[TEAM]
    audience = f"--audience={platform.audience}"
    token = kube.token(account.namespace, account.service_account, audience, "--duration=2h")
    public = clients.way(platform, TEAM, token)
    service = kube.one("service", "mlflow", platform.namespace)["spec"]["clusterIP"]
    inside = Way(address=(service, 80), host=f"mlflow.{platform.namespace}.svc", headers=public.headers)
    run_id = clients.make_run(replace(public, address=("127.0.0.1", 443)), "rolling")
    (controller,) = clients.pods("traefik", "traefik")
    return Traffic(ways=((public, True), (inside, False)), run_id=run_id, network=controller["traefik"])


def ready(platform: Platform) -> dict[str, str]:
    """Pods of the server that serve and are not terminating: names by uid."""
    found = kube.objects("pods", f"--namespace={platform.namespace}", "--selector=app.kubernetes.io/name=mlflow")
    return {
        pod["metadata"]["uid"]: pod["metadata"]["name"]
        for pod in found
        if kube.is_ready(pod) and "deletionTimestamp" not in pod["metadata"]
    }


def gone(platform: Platform, uids: set[str]) -> bool:
    """True if the pods have ended, and two others serve."""
    found = kube.objects("pods", f"--namespace={platform.namespace}", "--selector=app.kubernetes.io/name=mlflow")
    left = {pod["metadata"]["uid"] for pod in found} & uids
    return not left and len(ready(platform)) == SERVER["replicas"]


def evict(platform: Platform, pod: str) -> int:
    """Evict a pod as a drain does; the PodDisruptionBudget may refuse (429)."""
    path = f"/api/v1/namespaces/{platform.namespace}/pods/{pod}/eviction"
    document = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": platform.namespace},
    }
    done = kube.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(document), expected=None)
    return 201 if done.code == 0 else 429 if "disruption budget" in done.said else done.code


def test_a_rollout_fails_no_request(platform: Platform, traffic: Traffic, figures: Figures) -> None:
    before = set(ready(platform))
    with traffic.flowing() as end:
        kube.kubectl("rollout", "restart", "deployment/mlflow", f"--namespace={platform.namespace}")
        seconds = wait_for("the rollout", lambda: gone(platform, before), seconds=REPLACED_SECONDS)
        time.sleep(CALM_SECONDS)
        outcome = end()
    figures.add(f"a rollout of {len(before)} replicas under {CLIENTS} clients", _said(outcome, seconds))
    assert outcome.failures == {}
    assert len(outcome.latencies) > CLIENTS


def test_a_drain_fails_no_request(platform: Platform, traffic: Traffic, figures: Figures) -> None:
    before = ready(platform)
    assert len(before) == SERVER["replicas"]
    with traffic.flowing() as end:
        start = time.monotonic()
        first, second = before.values()
        assert evict(platform, first) == 201
        # The budget: the other one stays until there are two again.
        assert evict(platform, second) == 429
        wait_for("one pod's end", lambda: gone(platform, {_uid(before, first)}), seconds=REPLACED_SECONDS)
        assert evict(platform, second) == 201
        wait_for("the other's end", lambda: gone(platform, set(before)), seconds=REPLACED_SECONDS)
        seconds = time.monotonic() - start
        time.sleep(CALM_SECONDS)
        outcome = end()
    figures.add(f"a drain of {len(before)} replicas, one by one, under {CLIENTS} clients", _said(outcome, seconds))
    assert outcome.failures == {}
    assert len(outcome.latencies) > CLIENTS


def _uid(pods: dict[str, str], name: str) -> str:
    return next(uid for uid, called in pods.items() if called == name)


def _said(outcome: Outcome, seconds: float) -> str:
    return (
        f"{seconds:.0f} s, {outcome.failed} of {len(outcome.latencies) + outcome.failed} requests failed, "
        f"the longest took {max(outcome.latencies):.1f} s"
    )
