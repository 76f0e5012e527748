"""A trial: one team attacks while another team logs and reads, compared with a time without the attack."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from benchmarks import clients
from benchmarks.load import Outcome, Plan, Way
from benchmarks.login_cost import percentile
from benchmarks.peaks import Peaks, watched
from benchmarks.pressure.attacker import Order, as_json
from benchmarks.pressure.attacks import Attack, Target
from benchmarks.usage import Usage
from tools.stack import Platform, service_account_token

ATTACKERS, OTHERS = "team-a", "team-b"
# The front of the login in the server's pod.
LOGIN_PORT = 4180
QUIET_SECONDS = 8.0
ATTACK_SECONDS = 15.0
# The attack is under way before the other team is measured.
LEAD_SECONDS = 2.0
CLIENTS = 2
PAUSE_SECONDS = 0.05
END_SECONDS = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A deployed stack with its pods, the attackers' target, and the other team's clients."""

    platform: Platform
    target: Target
    run: str
    """ID of a run of the other team."""

    server: dict[str, Usage]
    """Containers of the server's pod, by name."""

    database: Usage
    address: str
    """Address of the server's pod."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """Result of an attack."""

    attack: Attack
    answers: Counter[str]
    """Number of answers to the attackers, by status."""

    quiet: Outcome
    """The other team's requests before the attack."""

    attacked: Outcome
    """The other team's requests during the attack."""

    peaks: Peaks
    restarts: int
    """Containers of the platform that restarted."""

    @property
    def ratio(self) -> float:
        """The other team's 99th percentile during the attack, divided by that before it."""
        return percentile(self.attacked.latencies, 99) / percentile(self.quiet.latencies, 99)

    def line(self) -> str:
        """The result as a line of a table."""
        answers = ", ".join(f"{count} x {status}" for status, count in self.answers.most_common(4))
        return (
            f"{self.attack.row:<22}{self.attack.name:<32}"
            f"{percentile(self.quiet.latencies, 99):6.0f} ->{percentile(self.attacked.latencies, 99):6.0f} ms "
            f"{self.ratio:5.2f}  failed {self.attacked.failed}  server {self.peaks.memory:4.0f} MiB  "
            f"database {self.peaks.database:4.0f} MiB  restarts {self.restarts}  {answers}"
        )


HEADINGS = (
    "attack                                                p99 of the other team, ratio, failures; peaks; answers"
)


def scene(platform: Platform) -> Scene:
    """Make experiments and runs of both teams, and find the pods of a deployed stack."""
    ways = {team: way_of(platform, team) for team in (ATTACKERS, OTHERS)}
    # From this machine the ingress controller is at the loopback address.
    made = {
        team: clients.make_experiment(replace(way, address=("127.0.0.1", 443)), "pressure")
        for team, way in ways.items()
    }
    (server,) = clients.pods(platform.namespace, "mlflow")
    (database,) = clients.pods(platform.namespace, "postgres")
    selector = ("--selector=app.kubernetes.io/name=mlflow", "--field-selector=status.phase=Running")
    found = clients.kubectl("get", "pods", f"--namespace={platform.namespace}", *selector)["items"]
    (pod,) = (pod for pod in found if "deletionTimestamp" not in pod["metadata"])
    experiment, run = made[ATTACKERS]
    login = Way(address=("127.0.0.1", LOGIN_PORT), host=ways[ATTACKERS].host, headers={})
    return Scene(
        platform=platform,
        target=Target(way=ways[ATTACKERS], login=login, experiment=experiment, run=run),
        run=made[OTHERS][1],
        server=server,
        database=database["postgres"],
        address=pod["status"]["podIP"],
    )


def way_of(platform: Platform, team: str) -> Way:
    """The route of a team's program, with a new token: tokens are valid for ten minutes."""
    account = platform.teams[team]
    token = service_account_token(account.namespace, account.service_account, platform.audience)
    return clients.way(platform, team, token)


def attempt(stage: Scene, attack: Attack, *, seconds: float = ATTACK_SECONDS, quiet: Outcome | None = None) -> Trial:
    """Measure the other team, attack for `seconds`, and measure the other team meanwhile.

    `quiet` is a measurement before an earlier attack; None measures again.
    """
    stage = replace(stage, target=replace(stage.target, way=way_of(stage.platform, ATTACKERS)))
    plan = Plan(
        way=way_of(stage.platform, OTHERS),
        run_id=stage.run,
        clients=CLIENTS,
        seconds=QUIET_SECONDS,
        pause=PAUSE_SECONDS,
        keep=False,
    )
    before = restarts(stage.platform.namespace)
    quiet = quiet or clients.run(plan, stage.server["mlflow"])
    order = Order(row=attack.row, name=attack.name, target=stage.target, seconds=seconds)
    with watched(stage.platform.namespace, stage.address, stage.server["mlflow"], stage.database) as peaks:
        with _attackers(order, stage.server["mlflow"]) as attackers:
            time.sleep(LEAD_SECONDS)
            attacked = clients.run(replace(plan, seconds=seconds - LEAD_SECONDS), stage.server["mlflow"])
            said, complaints = attackers.communicate(timeout=END_SECONDS)
        if attackers.returncode:
            sys.exit(f"the attackers failed: {complaints[-2000:]}")
    return Trial(
        attack=attack,
        answers=Counter(json.loads(said)),
        quiet=quiet,
        attacked=attacked,
        peaks=peaks,
        restarts=restarts(stage.platform.namespace) - before,
    )


@contextmanager
def _attackers(order: Order, pod: Usage) -> Generator["subprocess.Popen[str]"]:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        file.write(as_json(order))
        file.seek(0)
        process = subprocess.Popen(
            ["nsenter", f"--target={pod.process()}", "--net", sys.executable, "-m", "benchmarks.pressure.attacker"],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def restarts(namespace: str) -> int:
    """Number of restarts of all containers in a namespace so far."""
    pods = clients.kubectl("get", "pods", f"--namespace={namespace}")["items"]
    states = [
        state
        for pod in pods
        for kind in ("containerStatuses", "initContainerStatuses")
        for state in pod["status"].get(kind, ())
    ]
    return sum(state["restartCount"] for state in states)
