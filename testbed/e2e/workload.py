"""Runs the scripts of `workloads/`, each in a pod that contains a documented part of a pod."""

import json
from pathlib import Path
from typing import Any

from testbed.e2e import kube
from tools.stack import Platform

SCRIPTS = Path(__file__).with_name("workloads")


def client_image(platform: Platform) -> str:
    """The server's image, which has the published client and the package `kubernetes`."""
    containers = kube.pod_of("mlflow", platform.namespace)["spec"]["containers"]
    return next(container["image"] for container in containers if container["name"] == "mlflow")


def run_workload(script: str, part: kube.Object, *arguments: str, image: str, namespace: str = "team-a") -> Any:  # noqa: ANN401 - any JSON
    """Run a script in a pod to its end; returns the JSON that it prints in its last line."""
    (container,) = part["containers"]
    text = (SCRIPTS / f"{script}.py").read_text(encoding="utf-8")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "-".join((script, *arguments[:1])), "namespace": namespace},
        "spec": {
            **part,
            "restartPolicy": "Never",
            "containers": [
                {**container, "name": "main", "image": image, "command": ["python3", "-c", text, *arguments]}
            ],
        },
    }
    return json.loads(kube.run_pod(pod).splitlines()[-1])
