"""Webhooks are sent only through their proxy to listed hosts with public addresses; a hanging receiver blocks nobody.

The receiver listens on two addresses of the node, one of them in a public range. The node's network leads nowhere
else, so no webhook leaves the machine.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.exposure.certificate import authority_certificate, self_signed
from testbed.e2e import api_server, kube, names, probes, variant
from testbed.e2e.commands import CHECKOUT, run, wait_for
from testbed.e2e.figures import Figures
from testbed.e2e.listeners import listeners
from testbed.e2e.receiver import HANG, PORT, REDIRECT
from testbed.e2e.web import Answer, Site
from testbed.node.process import Node
from testbed.paths import home
from tools.stack import Platform

pytestmark = pytest.mark.chapters

# Public for `ipaddress`, for NetworkPolicies and for Squid; private likewise.
PUBLIC, PRIVATE = "93.184.216.34", "10.89.0.4"
DOMAIN = "example.com"
HOOKS, INSIDE, UNLISTED = f"hooks.{DOMAIN}", f"inside.{DOMAIN}", f"unlisted.{DOMAIN}"
SEED = b"an authority of the company's own"
ISSUED = dt.date(2026, 11, 1)
SIGNING_KEY = "s3cret/of+team=a"
WEBHOOKS = "/api/2.0/mlflow/webhooks"
MODELS = "/api/2.0/mlflow/registered-models/create"
READ = "/api/2.0/mlflow/experiments/search?max_results=10"
PROXY = "webhook-proxy"
PROXY_PORT = 3128
SECONDS = 30
# The start of the new server and the end of the old one.
ROLLOUT_SECONDS = 240
WEBHOOK_SECONDS = 5
TESTS_AT_ONCE = 14
READS = 20
# The most tests that a worker runs for a team; dev has one worker.
MOST_TESTS = 2
LONGEST_READ_SECONDS = 1.5
# Runs in the server's container: asks the proxy for tunnels, and prints the status of each answer.
ASK_THE_PROXY = """
import json, socket, sys
found = []
for target in sys.argv[1:]:
    with socket.create_connection(("webhook-proxy", 3128), timeout=20) as connection:
        connection.sendall(f"CONNECT {target} HTTP/1.1\\r\\nHost: {target}\\r\\n\\r\\n".encode())
        found.append(int(connection.recv(4096).split()[1]))
print(json.dumps(found))
"""


def changes() -> variant.Config:
    """All settings of the variant. Without the API server's address, the server might reach port 443 of any address."""
    return {
        "mlflow-platform:cluster": {
            "authorities": authority_certificate(SEED, DOMAIN),
            "apiServer": api_server.addresses(),
        },
        "mlflow-platform:server": {
            **variant.committed("server"),
            "features": ["webhooks"],
            "webhookHosts": [HOOKS, INSIDE],
            "bounds": {"webhookSeconds": WEBHOOK_SECONDS},
        },
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A webhook as the receiver got it."""

    address: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def signed(self) -> bool:
        """True if the webhook is signed with the team's key."""
        content = f"{self.headers['x-mlflow-delivery-id']}.{self.headers['x-mlflow-timestamp']}.{self.body}"
        digest = hmac.new(SIGNING_KEY.encode(), content.encode(), hashlib.sha256).digest()
        return self.headers.get("x-mlflow-signature") == f"v1,{base64.b64encode(digest).decode()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Team:
    """Requests of a team's program."""

    site: Site
    name: str
    token: str

    def ask(self, method: str, path: str, document: object = None) -> Answer:
        """Send a request."""
        return self.site.ask(method, path, token=self.token, workspace=self.name, document=document)

    def webhook(self, name: str, url: str) -> Answer:
        """Make a webhook for new registered models."""
        event = {"entity": "REGISTERED_MODEL", "action": "CREATED"}
        return self.ask("POST", WEBHOOKS, {"name": name, "url": url, "events": [event], "secret": SIGNING_KEY})

    def disable(self, webhook: str) -> Answer:
        """Disable a webhook, so that no more events are sent to it."""
        return self.ask("PATCH", f"{WEBHOOKS}/{webhook}", {"status": "DISABLED"})

    def test(self, webhook: str) -> Answer:
        """Test a webhook."""
        return self.ask("POST", f"{WEBHOOKS}/{webhook}/test", {})

    def model(self, name: str) -> None:
        """Make a registered model."""
        answer = self.ask("POST", MODELS, {"name": name})
        assert answer.status == 200, answer.body


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webhooks")


@pytest.fixture(scope="module")
def receiver(folder: Path) -> Iterator[Path]:
    """The receiver at both addresses, and their DNS names; yields the file with the webhooks received."""
    pair = self_signed(SEED, HOOKS, ISSUED)
    certificate, received = folder / "receiver.pem", folder / "received"
    certificate.write_text(pair.certificate + pair.key, encoding="utf-8")
    node = f"--net=/proc/{Node(home()).running().pid}/ns/net"
    with ExitStack() as stack:
        for address in (PUBLIC, PRIVATE):
            run("nsenter", node, "ip", "address", "replace", f"{address}/32", "dev", "node0")
            stack.callback(run, "nsenter", node, "ip", "address", "delete", f"{address}/32", "dev", "node0")
        output = stack.enter_context(received.open("w", encoding="utf-8"))
        command = ["nsenter", node, sys.executable, "-m", "testbed.e2e.receiver", certificate, PUBLIC, PRIVATE]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=output)
        stack.callback(process.wait)
        stack.callback(process.kill)
        wanted = {(address, PORT, "TCP") for address in (PUBLIC, PRIVATE)}
        wait_for("the receiver", lambda: wanted <= listeners(), seconds=SECONDS)
        stack.enter_context(names.resolving({HOOKS: PUBLIC, UNLISTED: PUBLIC, INSIDE: PRIVATE}))
        yield received


@pytest.fixture(scope="module")
def deployed(receiver: Path, folder: Path, platform: Platform) -> Iterator[Platform]:
    assert receiver.exists()
    old = kube.pod_of("mlflow", platform.namespace)["metadata"]["name"]
    changed = variant.deploy(folder, changes())
    # The server of before has no webhooks, and answers until it ends. Pulumi's Kubernetes provider may return before:
    # it sometimes reads the Deployment before Kubernetes has seen its update.
    space, limit = f"--namespace={platform.namespace}", f"--timeout={ROLLOUT_SECONDS}s"
    kube.kubectl("wait", "--for=delete", f"pod/{old}", space, limit, seconds=ROLLOUT_SECONDS + 10)
    yield changed
    variant.restore()


@pytest.fixture(scope="module")
def teams(deployed: Platform) -> tuple[Team, Team]:
    """The teams team-a and team-b."""
    site = Site.of(deployed)
    first, second = (
        Team(site=site, name=name, token=kube.token(name, deployed.teams[name].service_account, "--audience=mlflow"))
        for name in ("team-a", "team-b")
    )
    return first, second


@pytest.fixture(scope="module")
def hooked(deployed: Platform, teams: tuple[Team, Team]) -> dict[str, str]:
    """IDs of team-a's webhooks by name."""
    urls = {
        "delivered": f"https://{HOOKS}/team-a/secret-path",
        "redirect": f"https://{HOOKS}{REDIRECT}",
        "inside": f"https://{INSIDE}/",
        "hang": f"https://{HOOKS}{HANG}",
    }
    team, _ = teams
    _forget_webhooks(deployed)
    made: dict[str, str] = {}
    for name, url in urls.items():
        answer = team.webhook(name, url)
        assert answer.status == 200, answer.body
        made[name] = answer.json()["webhook"]["webhook_id"]
    # Only the first one is for events; the others are tested.
    for name in urls:
        if name != "delivered":
            assert team.disable(made[name]).status == 200
    return made


def _forget_webhooks(platform: Platform) -> None:
    """Delete all webhooks of earlier runs, in the database, because programs may not delete webhooks."""
    _sql(platform, "DELETE FROM webhooks")


def _sql(platform: Platform, statement: str) -> None:
    psql = ("psql", "--username=postgres", "--dbname=mlflow", "--set=ON_ERROR_STOP=1")
    space = f"--namespace={platform.namespace}"
    kube.kubectl("exec", "postgres-0", space, "--", *psql, f"--command={statement}")


def arrived(receiver: Path) -> list[Received]:
    """The webhooks that the receiver has received so far."""
    return [Received(**json.loads(line)) for line in receiver.read_text(encoding="utf-8").splitlines()]


def in_server(platform: Platform, *command: str) -> Any:  # noqa: ANN401 - any JSON
    """Run a command in the server's container; returns the JSON in the last line of its output."""
    space = f"--namespace={platform.namespace}"
    done = kube.kubectl("exec", "deployment/mlflow", space, "--container=mlflow", "--", *command)
    return json.loads(done.stdout.splitlines()[-1])


def test_an_event_reaches_the_teams_receiver_once_and_signed(
    teams: tuple[Team, Team], hooked: dict[str, str], receiver: Path
) -> None:
    ours, theirs = teams
    # No earlier run has made models of these names: programs may not delete models.
    first, theirs_too, second = (f"hooked-{hooked['delivered']}-{number}" for number in range(3))
    ours.model(first)
    wait_for("the first webhook", lambda: len(arrived(receiver)) == 1, seconds=SECONDS)
    theirs.model(theirs_too)
    ours.model(second)
    wait_for("the second webhook", lambda: len(arrived(receiver)) > 1, seconds=SECONDS)
    got = arrived(receiver)
    assert [json.loads(one.body)["data"]["name"] for one in got] == [first, second]
    assert {json.loads(one.body)["workspace"] for one in got} == {"team-a"}
    assert {(one.address, one.path) for one in got} == {(PUBLIC, "/team-a/secret-path")}
    assert all(one.signed for one in got)


def test_a_test_is_answered_as_mlflow_answers(teams: tuple[Team, Team], hooked: dict[str, str]) -> None:
    answer = teams[0].test(hooked["delivered"])
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["result"] | {"response_body": ""} == {
        "success": True,
        "response_status": 200,
        "response_body": "",
    }


def test_a_webhook_whose_secret_is_lost_is_listed_named_when_tested_and_mended_by_a_new_secret(
    deployed: Platform, teams: tuple[Team, Team], hooked: dict[str, str]
) -> None:
    """The state is that after `make destroy`, which deletes the key and keeps the database."""
    ours, _ = teams
    webhook = hooked["delivered"]
    _sql(deployed, f"UPDATE webhooks SET secret = 'encrypted with another key' WHERE webhook_id = '{webhook}'")  # noqa: S608 - an ID
    listed = ours.ask("GET", WEBHOOKS)
    assert listed.status == 200, listed.body
    assert {one["webhook_id"] for one in listed.json()["webhooks"]} == set(hooked.values())
    result = ours.test(webhook).json()["result"]
    assert result["success"] is False
    assert "set the secret again" in result["error_message"]
    assert ours.ask("PATCH", f"{WEBHOOKS}/{webhook}", {"secret": SIGNING_KEY}).status == 200
    assert ours.test(webhook).json()["result"]["success"] is True


def test_a_redirect_is_not_followed(teams: tuple[Team, Team], hooked: dict[str, str], receiver: Path) -> None:
    before = len(arrived(receiver))
    result = teams[0].test(hooked["redirect"]).json()["result"]
    assert result["success"] is False
    assert "redirect (302), which is not followed" in result["error_message"]
    assert [one.path for one in arrived(receiver)[before:]] == [REDIRECT]


def test_a_host_that_is_not_listed_is_refused_when_the_webhook_is_made(teams: tuple[Team, Team]) -> None:
    answer = teams[0].webhook("unlisted", f"https://{UNLISTED}/")
    assert answer.status == 400
    assert "server.webhookHosts" in answer.json()["message"]


def test_a_private_address_behind_a_listed_name_gets_nothing(
    teams: tuple[Team, Team], hooked: dict[str, str], receiver: Path
) -> None:
    result = teams[0].test(hooked["inside"]).json()["result"]
    assert result["success"] is False
    assert "one of its addresses is not public" in result["error_message"]
    assert PRIVATE not in {one.address for one in arrived(receiver)}


def test_the_proxy_opens_tunnels_to_listed_hosts_and_nothing_else(deployed: Platform) -> None:
    targets = {
        f"{HOOKS}:443": 200,
        f"{UNLISTED}:443": 403,
        f"{INSIDE}:443": 403,
        f"{HOOKS}:8443": 403,
        f"{PUBLIC}:443": 403,
        "mlflow.mlflow.svc.cluster.local:443": 403,
        "169.254.169.254:443": 403,
    }
    assert in_server(deployed, "python3", "-c", ASK_THE_PROXY, *targets) == [*targets.values()]


def test_only_the_server_reaches_the_proxy_and_nobody_but_the_proxy_the_world(deployed: Platform) -> None:
    server = kube.one("deployment", "mlflow", deployed.namespace)
    image = server["spec"]["template"]["spec"]["containers"][0]["image"]
    proxy = kube.pod_of(PROXY, deployed.namespace)
    proxy_labels = kube.one("deployment", PROXY, deployed.namespace)["spec"]["selector"]["matchLabels"]
    kinds: dict[str, tuple[str, dict[str, str]]] = {
        "server": (deployed.namespace, server["spec"]["selector"]["matchLabels"]),
        "proxy": (deployed.namespace, proxy_labels),
        "other": (deployed.namespace, {}),
        "team": ("team-a", {}),
    }
    targets = [(proxy["status"]["podIP"], PROXY_PORT, "TCP"), (PUBLIC, PORT, "TCP"), (PRIVATE, PORT, "TCP")]
    probes.remove()
    try:
        started = dict(zip(kinds, probes.start(image, kinds.values()), strict=True))
        wait_for("the policies", lambda: started["server"].reaches(targets[:1]) == [True], seconds=SECONDS)
        seen = {kind: probe.reaches(targets) for kind, probe in started.items()}
    finally:
        probes.remove()
    assert seen == {
        "server": [True, False, False],
        # A pod of its labels reaches the world; a connection to itself is not asked here.
        "proxy": [False, True, False],
        "other": [False, False, False],
        "team": [False, False, False],
    }


def test_a_receiver_that_hangs_holds_no_thread_of_the_server(
    teams: tuple[Team, Team], hooked: dict[str, str], receiver: Path, figures: Figures
) -> None:
    ours, theirs = teams
    assert theirs.ask("GET", READ).status == 200
    with ThreadPoolExecutor(TESTS_AT_ONCE) as at_once:
        tests = [at_once.submit(ours.test, hooked["hang"]) for _ in range(TESTS_AT_ONCE)]

        def hanging() -> int:
            return sum(one.path == HANG for one in arrived(receiver))

        wait_for("the tests to hang", lambda: hanging() >= MOST_TESTS, seconds=SECONDS)
        reads: list[float] = []
        while len(reads) < READS:
            start = time.monotonic()
            assert theirs.ask("GET", READ).status == 200
            reads.append(time.monotonic() - start)
        answers = [test.result() for test in tests]
    figures.add(f"webhooks: team-b's reads while {TESTS_AT_ONCE} tests hang, median", statistics.median(reads))
    figures.add(f"webhooks: team-b's reads while {TESTS_AT_ONCE} tests hang, longest", max(reads))
    assert max(reads) < LONGEST_READ_SECONDS
    refused = [answer for answer in answers if answer.status == 429]
    tested = [answer for answer in answers if answer.status == 200]
    assert len(refused) + len(tested) == TESTS_AT_ONCE
    assert len(tested) >= MOST_TESTS
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    for answer in tested:
        assert "server.bounds.webhookSeconds" in answer.json()["result"]["error_message"]


def test_the_proxys_log_has_hosts_and_results_and_no_paths(deployed: Platform) -> None:
    log = kube.kubectl("logs", f"deployment/{PROXY}", f"--namespace={deployed.namespace}").stdout
    records = [json.loads(line) for line in log.splitlines() if line.startswith('{"log":"webhook-proxy"')]
    results = {(record["host"], record["status"]) for record in records}
    assert {(HOOKS, 200), (UNLISTED, 403), (INSIDE, 403)} <= results
    assert "secret-path" not in log


def test_no_path_of_a_webhook_is_in_the_servers_log(deployed: Platform) -> None:
    space = f"--namespace={deployed.namespace}"
    log = kube.kubectl("logs", "deployment/mlflow", space, "--container=mlflow", "--tail=-1").said
    assert "secret-path" not in log


def test_a_second_deployment_changes_nothing(deployed: Platform, folder: Path) -> None:
    assert deployed.url
    variant.expect_no_changes(folder, changes())
