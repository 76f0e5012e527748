"""The ingress controller as docs/own-cluster.md demands it: it answers 503 while a Service has no ready pod."""

import contextlib
import json
from collections.abc import Generator

from testbed.e2e import kube

NAME, NAMESPACE = "traefik", "traefik"
ARGUMENT = "--providers.kubernetesingress.allowemptyservices=true"
START_SECONDS = 120


@contextlib.contextmanager
def answering_503() -> Generator[None]:
    """Run Traefik with an argument that its Helm chart sets by default, and that the embedded cluster does not set."""
    arguments = kube.one("deployment", NAME, NAMESPACE)["spec"]["template"]["spec"]["containers"][0]["args"]
    if ARGUMENT in arguments:
        yield
        return
    _start_with([*arguments, ARGUMENT])
    try:
        yield
    finally:
        _start_with(arguments)


def _start_with(arguments: list[str]) -> None:
    target = (f"deployment/{NAME}", f"--namespace={NAMESPACE}")
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": arguments}]
    kube.kubectl("patch", *target, "--type=json", f"--patch={json.dumps(patch)}")
    kube.kubectl("rollout", "status", *target, f"--timeout={START_SECONDS}s", seconds=START_SECONDS + 10)
