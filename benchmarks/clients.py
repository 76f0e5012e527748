"""Load clients in the network namespace of a pod, and their route to the server."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.load import Outcome, Plan, Way, as_json
from benchmarks.usage import Usage
from tools.stack import Platform

# Seconds for the clients to stop: as long as the longest request takes on a busy machine.
END_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Clients:
    """A running process with load clients (`benchmarks.load`)."""

    process: subprocess.Popen[str]

    def end(self) -> Outcome:
        """Let the clients finish the requests in progress, stop the clients, and return the outcome.

        Raises:
            SystemExit: the clients failed.
        """
        self.process.terminate()
        return self.outcome(END_SECONDS)

    def outcome(self, seconds: float) -> Outcome:
        """Wait at most `seconds` until the clients finish, and return the outcome.

        Raises:
            SystemExit: the clients failed.
        """
        said, complaints = self.process.communicate(timeout=seconds)
        if self.process.returncode:
            sys.exit(f"the load clients failed: {complaints[-2000:]}")
        return Outcome(**json.loads(said))

    def kill(self) -> None:
        """Kill the clients."""
        self.process.kill()
        self.process.communicate()


def start(plan: Plan, pod: Usage) -> Clients:
    """Start a plan's load clients in the network namespace of the pod that the container `pod` belongs to."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        file.write(as_json(plan))
        file.seek(0)
        process = subprocess.Popen(
            ["nsenter", f"--target={pod.process()}", "--net", sys.executable, "-m", "benchmarks.load"],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    return Clients(process)


def run(plan: Plan, pod: Usage) -> Outcome:
    """Run a plan in the network namespace of the pod that the container `pod` belongs to, and return the outcome."""
    return start(plan, pod).outcome(plan.seconds + END_SECONDS)


def kubectl(*arguments: str) -> Any:  # noqa: ANN401 - any Kubernetes object
    """Run kubectl with the kubeconfig of the environment, and return its parsed JSON output."""
    done = subprocess.run(["kubectl", *arguments, "--output=json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def pods(namespace: str, component: str) -> list[dict[str, Usage]]:
    """The running pods of a component, each as a mapping from container name to the container's `Usage`."""
    label = f"--selector=app.kubernetes.io/name={component}"
    found = kubectl("get", "pods", f"--namespace={namespace}", label, "--field-selector=status.phase=Running")["items"]
    return [_containers(pod["status"]) for pod in found if "deletionTimestamp" not in pod["metadata"]]


def _containers(status: dict[str, Any]) -> dict[str, Usage]:
    states = (*status["containerStatuses"], *status.get("initContainerStatuses", ()))
    return {state["name"]: Usage.of(state["containerID"]) for state in states if "running" in state["state"]}


def way(platform: Platform, team: str, token: str) -> Way:
    """The route through the ingress controller and OAuth2-Proxy that programs outside the cluster use."""
    bearer = {"X-MLFLOW-WORKSPACE": team, "Authorization": f"Bearer {token}"}
    ingress = kubectl("get", "service", "traefik", "--namespace=traefik")["spec"]["clusterIP"]
    host = platform.url.removeprefix("https://")
    return Way(address=(ingress, 443), host=host, headers=bearer, authority=platform.authority)


def make_run(chosen: Way, name: str) -> str:
    """Create an MLflow experiment and a run in it, from this machine, and return the run's id."""
    return make_experiment(chosen, name)[1]


def make_experiment(chosen: Way, name: str) -> tuple[str, str]:
    """Create an MLflow experiment and a run in it, from this machine, and return the ids of both."""

    def create(what: str, document: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
        connection = chosen.connect()
        headers = {**chosen.headers, "Host": chosen.host, "Content-Type": "application/json"}
        connection.request("POST", f"/api/2.0/mlflow/{what}/create", json.dumps(document), headers)
        with connection.getresponse() as answer:
            return json.load(answer)

    experiment = create("experiments", {"name": f"{name}-{time.time_ns()}"})["experiment_id"]
    return experiment, create("runs", {"experiment_id": experiment})["run"]["info"]["run_id"]
