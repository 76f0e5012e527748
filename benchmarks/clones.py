"""Additional MLflow servers: pods from the pod template of the deployed server, but with different `Sizes`."""

import contextlib
import copy
import json
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from benchmarks import clients
from benchmarks.peaks import Peaks, watched
from benchmarks.usage import Usage

# Measured start: 27-43 s on two busy cores, more with four workers.
READY_SECONDS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Sizes of a server: workers, database connections and threads of each worker, and memory limit."""

    name: str
    workers: int
    pool_size: int
    pool_overflow: int
    threads: int
    """Number of requests that a worker handles in parallel."""

    memory_limit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Clone:
    """A running pod of an additional server."""

    namespace: str
    address: str
    server: Usage

    @property
    def network(self) -> Usage:
        """A container of the pod, in whose network namespace clients can run."""
        return self.server

    @classmethod
    @contextlib.contextmanager
    def of(cls, namespace: str, sizes: Sizes) -> Generator["Clone"]:
        """Start the pod, wait until it is ready, and delete it when the `with` block ends."""
        name = f"bench-{sizes.name.replace(' ', '-')}"
        deployment = clients.kubectl("get", "deployment", "mlflow", f"--namespace={namespace}")
        pod = resized(deployment["spec"]["template"], name, sizes)
        _kubectl(namespace, "delete", "pod", name, "--ignore-not-found", "--now")
        _kubectl(namespace, "create", "--filename=-", stdin=json.dumps(pod))
        try:
            _kubectl(namespace, "wait", "--for=condition=Ready", f"--timeout={READY_SECONDS}s", f"pod/{name}")
            status = clients.kubectl("get", "pod", name, f"--namespace={namespace}")["status"]
            (container,) = status["containerStatuses"]
            yield cls(namespace=namespace, address=status["podIP"], server=Usage.of(container["containerID"]))
        finally:
            _kubectl(namespace, "delete", "pod", name, "--grace-period=1")

    @contextlib.contextmanager
    def watched(self) -> Generator[Peaks]:
        """Measure peaks of server and database while the `with` block runs; the values are complete when it ends."""
        (database,) = clients.pods(self.namespace, "postgres")
        with watched(self.namespace, self.address, self.server, database["postgres"]) as peaks:
            yield peaks


def resized(template: dict[str, Any], name: str, sizes: Sizes) -> dict[str, Any]:
    """A pod from a Deployment's pod template, with other sizes. No ReplicaSet adopts the pod."""
    spec = copy.deepcopy(template["spec"])
    (container,) = spec["containers"]
    container["command"] = [
        f"--workers={sizes.workers}" if word.startswith("--workers=") else word for word in container["command"]
    ]
    values = {
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": str(sizes.pool_size),
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": str(sizes.pool_overflow),
        "MLFLOW_PLATFORM_THREADS": str(sizes.threads),
    }
    for entry in container["env"]:
        if entry["name"] in values:
            entry["value"] = values[entry["name"]]
    container["resources"]["limits"]["memory"] = sizes.memory_limit
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": template["metadata"]["labels"]},
        "spec": spec,
    }


def _kubectl(namespace: str, *arguments: str, stdin: str = "") -> None:
    subprocess.run(
        ["kubectl", f"--namespace={namespace}", *arguments], input=stdin, capture_output=True, text=True, check=True
    )
