"""Access to PostgreSQL's pod, and to the pod of a restore, through kubectl."""

import json
import sys
import time
from typing import Any, cast

from tools.kubectl import ClusterError
from tools.kubectl import kubectl as anywhere

# Kubernetes objects are JSON.
Object = dict[str, Any]

POSTGRES, SERVER, RESTORE = "statefulset/postgres", "deployment/mlflow", "postgres-restore"
POD, CLAIM, CONTAINER = "postgres-0", "data-postgres-0", "backup"
PROGRAM = ("python3", "/etc/backup/backup.py")
POLL_SECONDS = 1
# PostgreSQL's grace period is a minute, the server's some minutes.
ENDING_SECONDS = 600
# As long as PostgreSQL's own startup probe.
STARTING_SECONDS = 660


def kubectl(namespace: str, *arguments: str, stdin: str | None = None) -> str:
    """Output of kubectl in a namespace.

    Raises:
        ClusterError: kubectl has failed.
    """
    return anywhere(f"--namespace={namespace}", *arguments, stdin=stdin)


def sidecar(namespace: str, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
    """JSON that a command of the sidecar's program prints.

    Raises:
        ClusterError: there is no sidecar, or the command has failed; the message is the command's.
    """
    try:
        said = kubectl(namespace, "exec", POD, f"--container={CONTAINER}", "--", *PROGRAM, *arguments)
    except ClusterError as error:
        text = str(error)
        if f"container {CONTAINER} is not valid" in text or f'pods "{POD}" not found' in text:
            raise ClusterError(
                "the stack has no backups: set backups.enabled to true (docs/backup.md), and run `make up`"
            ) from None
        raise
    return json.loads(said.splitlines()[-1])


def replicas(namespace: str, workload: str) -> int | None:
    """Desired number of pods of a workload; None if the workload does not exist."""
    said = kubectl(namespace, "get", workload, "--ignore-not-found", "--output=jsonpath={.spec.replicas}")
    return int(said) if said else None


def scale(namespace: str, workload: str, number: int, component: str) -> None:
    """Scale a workload, and wait until its pods are ready or gone.

    Raises:
        ClusterError: that took too long.
    """
    kubectl(namespace, "scale", workload, f"--replicas={number}")
    if number:
        kubectl(namespace, "rollout", "status", workload, f"--timeout={STARTING_SECONDS}s")
        return
    selector = f"--selector=app.kubernetes.io/name={component}"
    kubectl(namespace, "wait", "pods", selector, "--for=delete", f"--timeout={ENDING_SECONDS}s")


def restore_pod(postgres: Object, arguments: list[str]) -> Object:
    """The pod of a restore: PostgreSQL's sidecar with another command, on PostgreSQL's volume.

    Raises:
        ClusterError: PostgreSQL has no sidecar.
    """
    template = postgres["spec"]["template"]["spec"]
    found = [one for one in template["containers"] if one["name"] == CONTAINER]
    if not found:
        raise ClusterError("the stack has no backups: set backups.enabled to true (docs/backup.md), and run `make up`")
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    container = {key: value for key, value in found[0].items() if key not in probes}
    volumes = cast("list[Object]", template["volumes"])
    labels = {**postgres["metadata"]["labels"], "app.kubernetes.io/name": RESTORE}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": RESTORE, "labels": labels},
        "spec": {
            **{key: value for key, value in template.items() if key not in ("containers", "volumes")},
            "restartPolicy": "Never",
            "containers": [{**container, "name": "restore", "command": [*PROGRAM, "restore", *arguments]}],
            "volumes": [*volumes, {"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
        },
    }


def run_restore(namespace: str, pod: Object) -> Object:
    """Run the pod of a restore to its end; returns the JSON in the last line of its log.

    Raises:
        ClusterError: the pod has failed; the message is the end of its log.
    """
    kubectl(namespace, "delete", "pod", RESTORE, "--ignore-not-found")
    kubectl(namespace, "create", "--filename=-", stdin=json.dumps(pod))
    shown = 0
    try:
        while True:
            state = json.loads(kubectl(namespace, "get", "pod", RESTORE, "--output=json"))["status"]
            log = _log(namespace)
            lines = [line for line in log.splitlines() if not line.startswith("{")]
            for line in lines[shown:]:
                print(line, file=sys.stderr)
            shown = len(lines)
            if state["phase"] == "Succeeded":
                return json.loads(log.splitlines()[-1])
            if state["phase"] == "Failed":
                raise ClusterError("the restore has failed, and the data are as before")
            time.sleep(POLL_SECONDS)
    finally:
        kubectl(namespace, "delete", "pod", RESTORE, "--ignore-not-found")


def _log(namespace: str) -> str:
    try:
        return kubectl(namespace, "logs", RESTORE)
    except ClusterError:
        # Its container has not started yet.
        return ""
