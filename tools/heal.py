"""Tidy up after a deployment that was killed, so that the next one goes on where it stopped.

A killed Pulumi leaves two things: its lock, when the state is in a file, and records of objects that it had begun to
create. The lock of a process that no longer exists is taken away. An object that exists in the cluster is taken into
the state, any other record is forgotten. Prints nothing when there is nothing to do.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

PROJECT = "mlflow-platform"
FILE_BACKEND = "file://"


def abandoned(lock: Mapping[str, Any], host: str) -> bool:
    """Whether a lock belongs to a process of this host that has ended."""
    return lock.get("hostname") == host and not runs(int(lock["pid"]))


def runs(pid: int) -> bool:
    """Whether a process of this machine is there and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return True
    # One that was killed is listed as a zombie until its parent has asked for its exit code.
    return state != "Z"


def release_abandoned_lock(backend: str, stack: str) -> None:
    """Cancel the stack's deployment if its process is gone; locks of other hosts and live processes stay."""
    if not backend.startswith(FILE_BACKEND):
        return
    locks = Path(backend.removeprefix(FILE_BACKEND)) / ".pulumi" / "locks"
    # .pulumi/locks/organization/PROJECT/STACK/ID.json
    found = [json.loads(path.read_text(encoding="utf-8")) for path in locks.glob(f"*/{PROJECT}/{stack}/*.json")]
    if found and all(abandoned(lock, socket.gethostname()) for lock in found):
        print("an earlier deployment was killed: releasing its lock", flush=True)
        _pulumi("cancel", "--yes")


def object_id(inputs: Mapping[str, Any]) -> str:
    """The provider's id of an object with these inputs: `namespace/name`, or `name` for cluster-wide kinds."""
    metadata = inputs["metadata"]
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else metadata["name"]


def settled(
    deployment: Mapping[str, Any], present: Callable[[Mapping[str, Any]], bool]
) -> tuple[dict[str, Any], list[str]]:
    """A deployment without pending operations, and the URNs of the objects that were taken in.

    An object that was being created and is `present`, judged by its inputs, becomes a resource with empty outputs; a
    refresh fills them. An interrupted update or deletion needs nothing: the next run finds the difference again.
    (`pulumi refresh --import-pending-creates` of engine 3.259 forgets such objects instead of taking them in.)
    """
    begun = [
        operation["resource"]
        for operation in deployment.get("pending_operations") or ()
        if operation["type"] == "creating"
    ]
    found = [resource for resource in begun if "metadata" in resource.get("inputs", {}) and present(resource["inputs"])]
    adopted: list[dict[str, Any]] = [
        {**resource, "id": object_id(resource["inputs"]), "outputs": {}} for resource in found
    ]
    rest = {key: value for key, value in deployment.items() if key != "pending_operations"}
    # At the end: what they depend on was finished before they were begun.
    rest["resources"] = [*deployment.get("resources", ()), *adopted]
    return rest, [resource["urn"] for resource in adopted]


def exists(cluster: Any, inputs: Mapping[str, Any]) -> bool:  # noqa: ANN401 - the package has no types
    """Whether the cluster holds the object; kinds and namespaces that are missing hold none.

    Raises:
        DynamicApiError: the cluster refused to say.
    """
    try:
        api = cluster.resources.get(api_version=inputs["apiVersion"], kind=inputs["kind"])
        api.get(name=inputs["metadata"]["name"], namespace=inputs["metadata"].get("namespace"))
    except (ResourceNotFoundError, NotFoundError):
        return False
    return True


def settle_pending_operations() -> None:
    """Take begun objects that exist into the state, and forget the others."""
    state = json.loads(_pulumi("stack", "export"))
    pending = state["deployment"].get("pending_operations")
    if not pending:
        return
    print(f"an earlier deployment was killed: settling {len(pending)} unfinished operations", flush=True)
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    cluster = DynamicClient(kubernetes.ApiClient())
    state["deployment"], adopted = settled(state["deployment"], lambda inputs: exists(cluster, inputs))
    _pulumi("stack", "import", text=json.dumps(state))
    targets = [option for urn in adopted for option in ("--target", urn)]
    if targets:
        _pulumi("refresh", "--yes", "--skip-preview", "--non-interactive", *targets)


def _pulumi(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(["pulumi", *arguments], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"pulumi {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Lock first: nothing else works while it is held."""
    stack = _pulumi("stack", "--show-name").strip()
    release_abandoned_lock(os.environ.get("PULUMI_BACKEND_URL", ""), stack)
    settle_pending_operations()


if __name__ == "__main__":
    main()
