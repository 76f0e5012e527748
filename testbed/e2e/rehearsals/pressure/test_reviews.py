"""Access reviews: how many a list among 200 workspaces needs, and what callers get while the API server hangs."""

import http.client
import json
import os
import re
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import clients
from benchmarks.load import Plan, Way
from benchmarks.pressure.trial import OTHERS, restarts, scene, way_of
from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from testbed.e2e.figures import Figures
from testbed.node.process import Node
from testbed.paths import Home, data
from tools.stack import Platform

LIST = "/api/3.0/mlflow/workspaces"
NAMESPACES = 200
NAMES = [f"bare-{number:03}" for number in range(NAMESPACES)]
LABEL = "bare=true"
MEMBER_REVIEWS, STRANGER_REVIEWS = 5, 2
# The goal is 150 ms; the machine has two cores, and others use them.
LIST_SECONDS = 0.5
HANG_SECONDS = 60
# The deadline of a review, and the way there and back.
REFUSED_SECONDS = 15
SEEN_SECONDS = 60
REVIEWS = re.compile(r'^apiserver_request_total\{.*resource="(?:self)?subjectaccessreviews".*\} (\S+)$', re.MULTILINE)


@pytest.fixture(scope="module")
def crowd() -> Generator[None]:
    """Namespaces that are workspaces by their label, and that nobody has a right in."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {"mlflow-enabled": "true", "bare": "true"}},
        }
        for name in NAMES
    ]
    kube.kubectl("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    try:
        yield
    finally:
        kube.kubectl("delete", "namespaces", f"--selector={LABEL}", "--wait=false")


def reviews() -> float:
    """Number of access reviews that the API server has answered so far."""
    return sum(float(count) for count in REVIEWS.findall(kube.kubectl("get", "--raw=/metrics").stdout))


def ask(way: Way, path: str) -> tuple[int, bytes, str | None, float]:
    """Send a request from this machine; returns status, body, the header Retry-After and the seconds that it took."""
    connection = Way(address=("127.0.0.1", 443), host=way.host, headers=way.headers, authority=way.authority).connect()
    start = time.monotonic()
    connection.request("GET", path, headers={"Host": way.host, **way.headers})
    answer: http.client.HTTPResponse = connection.getresponse()
    return answer.status, answer.read(), answer.getheader("Retry-After"), time.monotonic() - start


def _way(platform: Platform, namespace: str, account: str) -> Way:
    """Address and headers for requests of a service account, with a new token that the server has not seen yet."""
    token = kube.kubectl(
        "create", "token", account, f"--namespace={namespace}", f"--audience={platform.audience}"
    ).stdout.strip()
    usual = way_of(platform, OTHERS)
    return Way(
        address=usual.address,
        host=usual.host,
        headers={"Authorization": f"Bearer {token}"},
        authority=usual.authority,
    )


@pytest.mark.usefixtures("crowd")
def test_a_list_among_200_workspaces_costs_few_reviews(platform: Platform, figures: Figures) -> None:
    team = platform.teams[OTHERS]
    member = _way(platform, team.namespace, team.service_account)
    stranger = _way(platform, "default", "default")
    # The watch of namespaces has seen them all.
    wait_for("no decision is remembered", lambda: _cold(platform), seconds=SEEN_SECONDS)
    before = reviews()
    status, body, _, seconds = ask(member, LIST)
    of_member = reviews() - before
    assert status == http.client.OK
    assert [one["name"] for one in json.loads(body)["workspaces"]] == [OTHERS]
    status, body, _, stranger_seconds = ask(stranger, LIST)
    of_stranger = reviews() - before - of_member
    assert json.loads(body).get("workspaces", []) == []
    figures.add(
        f"list among {NAMESPACES} workspaces",
        f"member {1000 * seconds:.0f} ms and {of_member:.0f} reviews, "
        f"stranger {1000 * stranger_seconds:.0f} ms and {of_stranger:.0f} reviews",
    )
    assert of_member <= MEMBER_REVIEWS
    assert of_stranger <= STRANGER_REVIEWS
    assert max(seconds, stranger_seconds) <= LIST_SECONDS


def _cold(platform: Platform) -> bool:
    """Restart the server, so that no access decision is cached; returns True."""
    kube.kubectl("rollout", "restart", "deployment/mlflow", f"--namespace={platform.namespace}")
    kube.kubectl(
        "rollout", "status", "deployment/mlflow", f"--namespace={platform.namespace}", "--timeout=180s", seconds=200
    )
    return True


@contextmanager
def hanging() -> Generator[None]:
    """Suspend the API server (SIGSTOP) during the block: connections to it are accepted and never answered."""
    network = _network(Path(f"/proc/{Node(Home(data())).running().pid}"))
    # Another node may run on this machine.
    (process,) = (
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and _is_api_server(folder / "cmdline") and _network(folder) == network
    )
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def _network(process: Path) -> int:
    """The network namespace of a process."""
    return (process / "ns" / "net").stat().st_ino


def _is_api_server(command: Path) -> bool:
    try:
        return command.read_bytes().split(b"\0")[0].endswith(b"kube-apiserver")
    except OSError:
        return False


def test_a_hanging_api_server_stops_nobody_who_worked_before(platform: Platform, figures: Figures) -> None:
    stage = scene(platform)
    before = restarts(platform.namespace)
    plan = Plan(way=way_of(platform, OTHERS), run_id=stage.run, clients=2, seconds=HANG_SECONDS, pause=0.2, keep=False)
    # One that no other test has asked as.
    stranger = _way(platform, "kube-public", "default")
    known = clients.run(
        Plan(way=plan.way, run_id=stage.run, clients=1, seconds=2, pause=0.2, keep=False), stage.server["mlflow"]
    )
    assert known.failures == {}
    with hanging():
        running = clients.start(plan, stage.server["mlflow"])
        status, body, retry_after, seconds = ask(stranger, LIST)
        outcome = running.outcome(HANG_SECONDS + 60)
    figures.add(
        f"API server hung for {HANG_SECONDS} s",
        f"{len(outcome.latencies)} requests of a known caller, {outcome.failed} failed, "
        f"longest {max(outcome.latencies):.1f} s; a new caller got {status} after {seconds:.1f} s",
    )
    assert outcome.failures == {}
    assert (status, retry_after is not None) == (503, True), body
    assert seconds < REFUSED_SECONDS
    wait_for("a new caller is answered again", lambda: ask(stranger, LIST)[0] == http.client.OK, seconds=SEEN_SECONDS)
    assert restarts(platform.namespace) == before
