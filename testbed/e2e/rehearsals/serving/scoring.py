"""Pods of a team that register models and send scoring requests."""

import contextlib
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from tests import snippets

SCRIPTS = Path(__file__).with_name("pods")
IMAGE = "localhost/mlflow-platform/model-server:3.17.2"
START_SECONDS = 90
REGISTER_SECONDS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The outcome of a scoring request: an answer, or none."""

    at: float
    """Time of the request, in seconds since 1970."""

    seconds: float
    status: int
    version: str
    """The version in the answer's header."""

    answer: float | str
    error: str

    @property
    def failed(self) -> bool:
        """True if there is no answer, or the answer is not that of the version in its header."""
        return self.status != 200 or str(self.answer) != f"{self.version}.0"


def register(team: str, model: str) -> list[str]:
    """Register a model from a pod as in docs/log-from-a-pod.md; returns its versions, of which the last is broken."""
    spec = snippets.documented_pods()[0]["spec"]
    (container,) = spec["containers"]
    script = (SCRIPTS / "register.py").read_text(encoding="utf-8")
    pod: kube.Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "register", "namespace": team},
        "spec": {
            **spec,
            "securityContext": {**spec["securityContext"], "runAsUser": 10001},
            "containers": [
                {
                    **container,
                    "image": IMAGE,
                    "command": ["python3", "-c", script, model],
                    "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108 - in the pod
                }
            ],
        },
    }
    return json.loads(kube.run_pod(pod, seconds=REGISTER_SECONDS).splitlines()[-1])


def send(team: str, name: str, *, image: str, host: str, count: int, per_second: float = 50) -> list[Score]:
    """Send a number of requests from a pod of the team, and return the answers."""
    pod = _client(team, name, image=image, host=host, clients=10, per_second=per_second, count=count)
    return _scores(kube.run_pod(pod))


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """A pod that sends scoring requests."""

    team: str
    name: str

    def scores(self) -> list[Score]:
        """All answers until now."""
        return _scores(kube.kubectl("logs", self.name, f"--namespace={self.team}").stdout)


@contextlib.contextmanager
def flowing(team: str, name: str, *, image: str, host: str, per_second: float) -> Generator[Traffic]:
    """Send requests at a steady rate from a pod of the team during the block."""
    pod = _client(team, name, image=image, host=host, clients=4, per_second=per_second, count=0)
    kube.remove_pod(pod)
    kube.kubectl("create", "--filename=-", stdin=json.dumps(pod))
    traffic = Traffic(team=team, name=name)
    try:
        wait_for("scoring requests", lambda: _is_running(traffic) and bool(traffic.scores()), seconds=START_SECONDS)
        yield traffic
    finally:
        kube.remove_pod(pod)


def _is_running(traffic: Traffic) -> bool:
    return kube.one("pod", traffic.name, traffic.team)["status"]["phase"] == "Running"


def _client(team: str, name: str, *, image: str, host: str, clients: int, per_second: float, count: int) -> kube.Object:
    variables = {"HOST": host, "CLIENTS": str(clients), "PER_SECOND": str(per_second), "COUNT": str(count)}
    script = (SCRIPTS / "load.py").read_text(encoding="utf-8")
    return kube.team_pod(name, team, image=image, script=script, env=variables)


def _scores(log: str) -> list[Score]:
    """The answers in a log, whose last line may be incomplete."""
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in log.splitlines() if line.startswith("{") and line.endswith("}")
    ]
    return [Score(**line) for line in lines]


def versions(scores: Sequence[Score]) -> set[str]:
    """The versions that have answered."""
    return {score.version for score in scores}
