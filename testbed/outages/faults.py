"""The faults: what fails, and for how long."""

import contextlib
import datetime as dt
import json
import os
import signal
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.usage import CGROUPS
from components.exposure.certificate import self_signed
from testbed.e2e import kube
from testbed.e2e.commands import run, wait_for
from testbed.e2e.faults import named, patched, scaled_down
from testbed.outages.volumes import filled, path_of, small_volume
from tools.stack import Platform

# A fault that does not end by itself lasts so long.
LASTING_SECONDS = 60
START_SECONDS = 300
NODE_SECONDS = 580
RESTARTED = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
WITHOUT_RESTART = [{"op": "remove", "path": RESTARTED}]
CLUSTER_DNS = "k8s-app=kube-dns"

Making = Callable[[Platform], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something that fails while clients read and write."""

    name: str
    """Short name, unique."""

    text: str
    """Description of what fails, for the table in docs/outages.md."""

    make: Making
    """Context manager that makes the fault, and at the end waits until it is repaired."""

    around: Callable[[Platform], AbstractContextManager[object]] = field(default=lambda _: contextlib.nullcontext())
    """Context manager that prepares for the fault and cleans up; outages that this causes do not count."""


def _status(pod: kube.Object, container: str) -> Mapping[str, object]:
    status = pod["status"]
    (found,) = [
        one
        for one in [*status.get("initContainerStatuses", ()), *status["containerStatuses"]]
        if one["name"] == container
    ]
    return found


def _processes(container_id: str) -> list[int]:
    """Process ids of a container on this machine.

    Raises:
        LookupError: the container does not run on this machine.
    """
    for folder in CGROUPS.rglob(f"*{container_id.rpartition('/')[2]}*"):
        if (folder / "cgroup.procs").is_file():
            return [int(line) for line in (folder / "cgroup.procs").read_text(encoding="ascii").split()]
    raise LookupError(f"container {container_id} does not run on this machine")


@contextlib.contextmanager
def killed(component: str, container: str, space: str) -> Generator[None]:
    """All processes of a container are killed; the kubelet starts it again."""
    pod = kube.pod_of(component, space)
    container_id = str(_status(pod, container)["containerID"])
    for process in _processes(container_id):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    yield
    wait_for(
        f"{component} ready again", lambda: _restarted(component, container, space, container_id), seconds=START_SECONDS
    )


def _restarted(component: str, container: str, space: str, before: str) -> bool:
    pod = kube.pod_of(component, space)
    return kube.is_ready(pod) and _status(pod, container).get("containerID") != before


@contextlib.contextmanager
def deleted(component: str, space: str) -> Generator[None]:
    """A pod is deleted with its usual grace period, as in a drain; its controller creates another pod."""
    pod = kube.pod_of(component, space)
    kube.kubectl("delete", "pod", pod["metadata"]["name"], f"--namespace={space}", "--wait=false")
    yield
    kube.wait_until_ready(component, space, seconds=START_SECONDS, other_than=pod["metadata"]["uid"])


@contextlib.contextmanager
def rolled_out(platform: Platform) -> Generator[None]:
    """A rollout replaces the server's pod."""
    target = ("deployment/mlflow", f"--namespace={platform.namespace}")
    kube.kubectl("rollout", "restart", *target)
    yield
    kube.kubectl("rollout", "status", *target, f"--timeout={START_SECONDS}s", seconds=START_SECONDS + 10)
    # The annotation is none of Pulumi's; without it, another rollout brings back the pod template of before.
    kube.kubectl("patch", *target, "--type=json", f"--patch={json.dumps(WITHOUT_RESTART)}")
    kube.kubectl("rollout", "status", *target, f"--timeout={START_SECONDS}s", seconds=START_SECONDS + 10)


@contextlib.contextmanager
def hanging(program: str) -> Generator[None]:
    """A process of the node is suspended for `LASTING_SECONDS`: it accepts connections and does not answer."""
    (process,) = (
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and _runs(folder / "cmdline", program)
    )
    os.kill(process, signal.SIGSTOP)
    try:
        time.sleep(LASTING_SECONDS)
    finally:
        os.kill(process, signal.SIGCONT)
    yield


def _runs(command: Path, program: str) -> bool:
    try:
        return command.read_bytes().split(b"\0")[0].endswith(program.encode())
    except OSError:
        return False


@contextlib.contextmanager
def without_dns() -> Generator[None]:
    """The cluster's DNS does not answer."""
    with scaled_down("deployment", "coredns", "kube-system", label=CLUSTER_DNS):
        time.sleep(LASTING_SECONDS)
    yield


@contextlib.contextmanager
def expired(platform: Platform) -> Generator[None]:
    """The platform's certificate has expired; clients refuse it until it is replaced."""
    secret = named("secrets", "certificate-host", platform.namespace)
    pair = self_signed(b"another", platform.url.partition("://")[2], dt.date(2020, 1, 1))
    old = [{"op": "replace", "path": "/data", "value": secret["data"]}]
    text = {"tls.crt": pair.certificate, "tls.key": pair.key}
    new = [{"op": "remove", "path": "/data"}, {"op": "add", "path": "/stringData", "value": text}]
    with patched("secrets", "certificate-host", new, old, platform.namespace):
        time.sleep(LASTING_SECONDS)
    yield


@contextlib.contextmanager
def node_restarted() -> Generator[None]:
    """The node stops at once with everything on it, and is started again."""
    run(".venv/bin/python", "-m", "testbed", "down", seconds=NODE_SECONDS)
    run("make", "up", seconds=NODE_SECONDS)
    yield


@contextlib.contextmanager
def migration_killed(namespace: str) -> Generator[None]:
    """A copy of the migration Job runs; its first pod is killed as soon as it runs, and its second pod completes it."""
    space = f"--namespace={namespace}"
    (job,) = [one for one in kube.objects("jobs", space) if one["metadata"]["name"].startswith("migration-job")]
    template = job["spec"]["template"]
    for name in ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"):
        template["metadata"].get("labels", {}).pop(name, None)
    copy = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"namespace": namespace, "name": "outage-migration"},
        "spec": {"backoffLimit": 2, "template": template},
    }
    kube.kubectl("create", "--filename=-", stdin=json.dumps(copy))
    try:
        wait_for("a migration that runs", lambda: _kill_job("outage-migration", namespace), seconds=START_SECONDS)
        kube.kubectl(
            "wait",
            "--for=condition=Complete",
            "job/outage-migration",
            space,
            f"--timeout={START_SECONDS}s",
            seconds=START_SECONDS + 10,
        )
    finally:
        kube.kubectl("delete", "job", "outage-migration", space, "--wait=true")
    yield


@contextlib.contextmanager
def full(component: str, namespace: str) -> Generator[None]:
    """A volume is full for `LASTING_SECONDS`."""
    with filled(path_of(component, namespace)):
        time.sleep(LASTING_SECONDS)
    yield
    kube.wait_until_ready(component, namespace, seconds=START_SECONDS)


def _kill_job(job: str, namespace: str) -> bool:
    """Kill the processes of a Job's running pod; False if none runs yet."""
    found = kube.objects("pods", f"--namespace={namespace}", f"--selector=batch.kubernetes.io/job-name={job}")
    for pod in found:
        for status in pod["status"].get("containerStatuses", ()):
            if "running" in status["state"]:
                for process in _processes(status["containerID"]):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                return True
    return False


def _killing(component: str, container: str, namespace: str = "") -> Making:
    return lambda platform: killed(component, container, namespace or platform.namespace)


def _deleting(component: str) -> Making:
    return lambda platform: deleted(component, platform.namespace)


FAULTS = (
    Fault(name="server killed", text="the server is killed (one replica)", make=_killing("mlflow", "mlflow")),
    Fault(name="server drained", text="the server's pod is drained (one replica)", make=_deleting("mlflow")),
    Fault(name="server rolled out", text="a rollout replaces the server's pod", make=rolled_out),
    Fault(name="database killed", text="PostgreSQL is killed", make=_killing("postgres", "postgres")),
    Fault(name="database drained", text="PostgreSQL's pod is drained", make=_deleting("postgres")),
    Fault(name="store killed", text="the store of artifacts is killed", make=_killing("object-store", "seaweedfs")),
    Fault(name="store drained", text="the pod of the store of artifacts is drained", make=_deleting("object-store")),
    Fault(name="proxy killed", text="OAuth2-Proxy is killed", make=_killing("mlflow", "oauth2-proxy")),
    Fault(name="identity provider killed", text="the identity provider (dex) is killed", make=_killing("dex", "dex")),
    Fault(
        name="ingress controller killed",
        text="the ingress controller is killed",
        make=_killing("traefik", "traefik", "traefik"),
    ),
    Fault(
        name="API server hung",
        text=f"Kubernetes' API server hangs for {LASTING_SECONDS} s",
        make=lambda _: hanging("kube-apiserver"),
    ),
    Fault(name="etcd hung", text=f"etcd hangs for {LASTING_SECONDS} s", make=lambda _: hanging("etcd")),
    Fault(name="DNS gone", text=f"the cluster's DNS has no pod for {LASTING_SECONDS} s", make=lambda _: without_dns()),
    Fault(
        name="certificate expired",
        text=(
            f"the certificate has expired, and is replaced after {LASTING_SECONDS} s (clients with open connections;"
            " others are refused)"
        ),
        make=expired,
    ),
    Fault(
        name="migration killed",
        text="the migration Job runs again, and is killed once",
        make=lambda platform: migration_killed(platform.namespace),
    ),
    Fault(
        name="database full",
        text=f"the database's volume is full for {LASTING_SECONDS} s",
        around=lambda platform: small_volume("postgres", platform.namespace),
        make=lambda platform: full("postgres", platform.namespace),
    ),
    Fault(
        name="store full",
        text=f"the volume of the store of artifacts is full for {LASTING_SECONDS} s",
        around=lambda platform: small_volume("object-store", platform.namespace),
        make=lambda platform: full("object-store", platform.namespace),
    ),
    Fault(name="node restarted", text="the only node stops at once, and starts again", make=lambda _: node_restarted()),
)
"""All faults, in the order in which they are made: each begins when the platform has recovered from the one before."""
