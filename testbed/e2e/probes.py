"""Probe pods that impersonate others: same namespace and labels, but their program connects and listens."""

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from testbed.e2e import kube
from testbed.e2e.kube import Object

PODS = Path(__file__).with_name("pods")
MARK = "mlflow-platform-test/probe"
START_SECONDS = 120
# Every port that a policy or a component of the platform names, and one that nobody knows.
UNKNOWN = 12345
TCP = (53, 443, 4180, 5353, 5432, 5556, 6443, 8080, 8333, 8443, UNKNOWN)
UDP = (53, 5353, UNKNOWN)

Target = tuple[str, int, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A pod with the labels of another."""

    namespace: str
    name: str

    def reaches(self, targets: Sequence[Target]) -> list[bool]:
        """Return for each target whether it accepts a connection from this pod."""
        script = (PODS / "connect.py").read_text(encoding="utf-8")
        inside = ("exec", "--stdin", self.name, f"--namespace={self.namespace}", "--", "python3", "-c", script)
        return json.loads(kube.kubectl(*inside, stdin=json.dumps(list(targets))).stdout)


def start(image: str, kinds: Iterable[tuple[str, dict[str, str]]]) -> list[Probe]:
    """Start a probe for each namespace and labels; they listen once they are running."""
    pods = [_pod(f"probe-{number}", namespace, labels, image) for number, (namespace, labels) in enumerate(kinds)]
    kube.kubectl("create", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}))
    probes = [Probe(namespace=pod["metadata"]["namespace"], name=pod["metadata"]["name"]) for pod in pods]
    with ThreadPoolExecutor() as waiting:
        list(waiting.map(_wait, probes))
    return probes


def remove() -> None:
    """Delete every probe, those of an interrupted run too."""
    namespaces = {
        pod["metadata"]["namespace"] for pod in kube.objects("pods", "--all-namespaces", f"--selector={MARK}")
    }
    with ThreadPoolExecutor() as deleting:
        list(deleting.map(_delete, namespaces))


def _delete(namespace: str) -> None:
    kube.kubectl("delete", "pods", f"--namespace={namespace}", f"--selector={MARK}", "--now")


def _wait(probe: Probe) -> None:
    space = f"--namespace={probe.namespace}"
    running = "--for=jsonpath={.status.phase}=Running"
    timeout = f"--timeout={START_SECONDS}s"
    kube.kubectl("wait", running, f"pod/{probe.name}", space, timeout, seconds=START_SECONDS)


def _pod(name: str, namespace: str, labels: dict[str, str], image: str) -> Object:
    listen = json.dumps({"TCP": TCP, "UDP": UDP})
    script = (PODS / "listen.py").read_text(encoding="utf-8")
    pod = kube.team_pod(name, namespace, image=image, script=script, env={"LISTEN": listen})
    pod["metadata"]["labels"] = {**labels, MARK: ""}
    pod["spec"]["securityContext"]["sysctls"] = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    (container,) = pod["spec"]["containers"]
    container["resources"] = {
        "requests": {"cpu": "10m", "memory": "32Mi"},
        "limits": {"cpu": "1", "memory": "64Mi"},
    }
    container["ports"] = [
        {"name": "known", "containerPort": UNKNOWN},
        {"name": "known-udp", "containerPort": UNKNOWN, "protocol": "UDP"},
    ]
    # Never ready, so that no Service sends it requests for the pod that it impersonates.
    container["readinessProbe"] = {"exec": {"command": ["false"]}, "periodSeconds": 3600}
    return pod
