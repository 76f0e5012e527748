"""Access of the tests to the cluster, through kubectl."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from testbed.e2e.commands import Finished, run, wait_for

# Kubernetes objects are JSON; the tests name the fields they look at.
Object = dict[str, Any]

PLATFORM_LABEL = "app.kubernetes.io/part-of=mlflow-platform"
POD_SECONDS = 120


def kubectl(*arguments: str, stdin: str = "", seconds: float = 60, expected: int | None = 0) -> Finished:
    """Run kubectl as the cluster's administrator."""
    return run("kubectl", *arguments, stdin=stdin, seconds=seconds, expected=expected)


def objects(kinds: str, *options: str) -> list[Object]:
    """Objects of some kinds, for example `pods,services`, `--namespace=mlflow`."""
    return json.loads(kubectl("get", kinds, "--output=json", *options).stdout)["items"]


def one(kind: str, name: str, namespace: str) -> Object:
    """One object by its name."""
    return json.loads(kubectl("get", kind, name, f"--namespace={namespace}", "--output=json").stdout)


def our_namespaces() -> list[Object]:
    """The platform's namespace and the teams'."""
    return objects("namespaces", f"--selector={PLATFORM_LABEL}")


def pod_of(component: str, namespace: str) -> Object:
    """The one running pod of a component, by the value of its `app.kubernetes.io/name`."""
    found = [
        pod
        for pod in objects("pods", f"--namespace={namespace}", f"--selector=app.kubernetes.io/name={component}")
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    assert len(found) == 1, f"expected one running pod of {component}, found {len(found)}"
    return found[0]


def is_ready(pod: Object) -> bool:
    """True if a pod is ready."""
    conditions = pod["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def token(namespace: str, account: str, *options: str) -> str:
    """A service account's token, as `kubectl create token` gives it to a person."""
    return kubectl("create", "token", account, f"--namespace={namespace}", *options).stdout.strip()


def login_secret(namespace: str, key: str) -> str:
    """A secret of the login: its client secret, or the key of its cookies."""
    found = [
        base64.b64decode(secret["data"][key]).decode()
        for secret in objects("secrets", f"--namespace={namespace}")
        if "cookie-secret" in secret.get("data", {})
    ]
    assert len(found) == 1, "one Secret belongs to the login"
    return found[0]


def volume_mount(name: str, path: str) -> Object:
    """A read-only mount."""
    return {"name": name, "mountPath": path, "readOnly": True}


def team_pod(
    name: str,
    namespace: str,
    *,
    image: str,
    script: str,
    env: Mapping[str, str] | None = None,
    account: str = "default",
    mounts: Sequence[Object] = (),
    volumes: Sequence[Object] = (),
    env_from: Sequence[Object] = (),
) -> Object:
    """Manifest of a pod that runs a Python script, restricted as a team's namespace requires."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "command": ["python3", "-c", script],
                    "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
                    "envFrom": list(env_from),
                    "volumeMounts": list(mounts),
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "128Mi"},
                        "limits": {"cpu": "2", "memory": "1Gi"},
                    },
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
            "volumes": list(volumes),
        },
    }


def run_pod(pod: Object, *, seconds: float = POD_SECONDS) -> str:
    """Run a pod to its end; returns what it printed.

    Raises:
        AssertionError: the pod failed, or did not end in time; the message has its log.
    """
    name, space = pod["metadata"]["name"], f"--namespace={pod['metadata']['namespace']}"
    remove_pod(pod)
    created = kubectl("create", "--filename=-", stdin=json.dumps(pod))
    assert "Warning" not in created.stderr, created.stderr
    try:
        end = time.monotonic() + seconds
        state: Object = {}
        while state.get("phase") not in {"Succeeded", "Failed"} and time.monotonic() < end:
            state = one("pod", name, pod["metadata"]["namespace"])["status"]
            time.sleep(0.5)
        log = kubectl("logs", name, space, expected=None).said
        assert state.get("phase") == "Succeeded", f"pod {name} is {state} after {seconds} s\n{log}"
        return log
    finally:
        remove_pod(pod)


def remove_pod(pod: Object) -> None:
    """Delete a pod, if it exists."""
    space = f"--namespace={pod['metadata']['namespace']}"
    kubectl("delete", "pod", pod["metadata"]["name"], space, "--ignore-not-found", "--grace-period=1")


def wait_until_ready(component: str, namespace: str, *, seconds: float, other_than: str = "") -> float:
    """Wait until a component's pod is ready and has another uid than this one."""

    def ready() -> bool:
        found = objects("pods", f"--namespace={namespace}", f"--selector=app.kubernetes.io/name={component}")
        return any(is_ready(pod) and pod["metadata"]["uid"] != other_than for pod in found)

    return wait_for(f"a ready pod of {component}", ready, seconds=seconds)


def wait_for_pods(namespace: str, *, seconds: float) -> float:
    """Wait for every pod of a namespace to be ready."""

    def ready() -> bool:
        found = objects("pods", f"--namespace={namespace}")
        return bool(found) and all(map(is_ready, found))

    return wait_for(f"all pods of {namespace} are ready", ready, seconds=seconds)
