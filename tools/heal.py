"""Clean up after a deployment that was killed, so that the next deployment continues where the killed one stopped.

A killed Pulumi leaves its lock, if the state is in a file backend, and pending operations for unfinished resources.
The lock is removed if the process that took it no longer exists. An object that the deployment has already created in
the cluster is added to the state. All pending operations are removed. Prints nothing if there is nothing to do.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

PROJECT = "mlflow-platform"
FILE_BACKEND = "file://"
# Field manager of the Pulumi Kubernetes provider; for server-side apply, the provider appends a random suffix.
PROVIDER = "pulumi-kubernetes"
FIELD_MANAGER = f"{PROVIDER}-"

Object = Mapping[str, Any]


def abandoned(lock: Mapping[str, Any], host: str) -> bool:
    """True if a lock belongs to a process of this host that has ended."""
    return lock.get("hostname") == host and not runs(int(lock["pid"]))


def runs(pid: int) -> bool:
    """True if a process with this id runs on this machine and is not a zombie."""
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
    # A killed process remains as a zombie until its parent has read its exit code.
    return state != "Z"


def release_abandoned_lock(backend: str, stack: str) -> None:
    """Remove the stack's locks if all belong to processes of this host that have ended; otherwise keep all of them."""
    if not backend.startswith(FILE_BACKEND):
        return
    locks = Path(backend.removeprefix(FILE_BACKEND)) / ".pulumi" / "locks"
    # .pulumi/locks/organization/PROJECT/STACK/ID.json
    found = [json.loads(path.read_text(encoding="utf-8")) for path in locks.glob(f"*/{PROJECT}/{stack}/*.json")]
    if found and all(abandoned(lock, socket.gethostname()) for lock in found):
        print("an earlier deployment was killed: releasing its lock", flush=True)
        _pulumi("cancel", "--yes")


def object_id(inputs: Mapping[str, Any]) -> str:
    """The id that the provider gives an object with these inputs: `namespace/name`, or `name` if cluster-scoped."""
    metadata = inputs["metadata"]
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else metadata["name"]


def field_manager(live: Object) -> str | None:
    """Field manager with which the provider last applied an object; None if the provider did not apply it.

    The next apply has to use the same field manager: with another one, the API server would report a conflict.
    """
    applied = [
        entry
        for entry in live["metadata"].get("managedFields") or ()
        if entry["operation"] == "Apply" and entry["manager"].startswith(FIELD_MANAGER) and not entry.get("subresource")
    ]
    return max(applied, key=lambda entry: entry.get("time") or "")["manager"] if applied else None


def is_ours(live: Object) -> bool:
    """True if the Pulumi Kubernetes provider has written the object; if not, somebody else created the object."""
    return any(entry["manager"].startswith(PROVIDER) for entry in live["metadata"].get("managedFields") or ())


def is_patch(begun: Object) -> bool:
    """True for a resource that sets fields of an existing object: the next deployment sets them again, as the same."""
    return str(begun.get("type", "")).endswith("Patch")


def adopted(begun: Object, live: Object) -> dict[str, Any]:
    """The state's entry for an object whose creation was interrupted, as if the provider had finished the creation.

    Until a refresh, the outputs are a copy of the inputs instead of the live object. That is enough: a diff compares
    only inputs, and secret inputs are already encrypted. With `initErrors`, the next `up` waits for the object.
    """
    inputs = begun["inputs"]
    outputs = {**inputs, "__inputs": inputs, "__initialApiVersion": inputs["apiVersion"]}
    manager = field_manager(live)
    if manager is not None:
        outputs["__fieldManager"] = manager
    unready = ["object creation was interrupted"]
    return {**begun, "id": object_id(inputs), "outputs": outputs, "initErrors": unready}


def with_adopted(resources: Sequence[Object], new: Object) -> list[Object]:
    """The state's resources with the adopted resource `new`: in place of one with the same URN, or else at the end.

    If a resource has the same URN and the same id, the object is already in the state, and nothing changes.
    """
    same = [index for index, old in enumerate(resources) if old["urn"] == new["urn"] and not old.get("delete")]
    if not same:
        # Appended, after its dependencies: they were created before its creation began.
        return [*resources, new]
    (index,) = same
    old = resources[index]
    if old.get("id") == new["id"] and not old.get("pendingReplacement"):
        return list(resources)
    # With `pendingReplacement`, the old object is already deleted. Otherwise the next `up` deletes it.
    rest = [] if old.get("pendingReplacement") else [{**old, "delete": True}]
    return [*resources[:index], new, *rest, *resources[index + 1 :]]


def settled(deployment: Object, find: Callable[[Object], Object | None]) -> tuple[dict[str, Any], list[str]]:
    """The exported state `deployment` without pending operations, and the URNs of the adopted objects.

    If a creation was interrupted, the object may exist nevertheless: `find` looks for it by the operation's inputs. It
    is adopted, that is, added to the resources, if Pulumi's provider has written it; a refresh completes the resource.
    An object of somebody else is not adopted, because a later `destroy` would delete it. An interrupted update or
    deletion needs no adoption: the next `up` computes the difference again. (`pulumi refresh --import-pending-creates`
    drops created objects instead of adopting them.)
    """
    rest = {key: value for key, value in deployment.items() if key != "pending_operations"}
    rest["resources"] = list(deployment.get("resources", ()))
    taken_in: list[str] = []
    for operation in deployment.get("pending_operations") or ():
        begun = operation["resource"]
        if operation["type"] != "creating" or "metadata" not in begun.get("inputs", {}) or is_patch(begun):
            continue
        live = find(begun["inputs"])
        if live is not None and is_ours(live):
            rest["resources"] = with_adopted(rest["resources"], adopted(begun, live))
            taken_in.append(begun["urn"])
    return rest, sorted(set(taken_in))


def found(cluster: Any, inputs: Object) -> Object | None:  # noqa: ANN401 - the package has no types
    """The live object with the kind and name in `inputs`; None if the object, its kind or its namespace does not exist.

    Raises:
        DynamicApiError: the API server refused the request.
    """
    try:
        api = cluster.resources.get(api_version=inputs["apiVersion"], kind=inputs["kind"])
        return api.get(name=inputs["metadata"]["name"], namespace=inputs["metadata"].get("namespace")).to_dict()
    except (ResourceNotFoundError, NotFoundError):
        return None


def settle_pending_operations() -> None:
    """Adopt the objects whose creation was interrupted, and remove all pending operations from the state."""
    state = json.loads(_pulumi("stack", "export"))
    pending = state["deployment"].get("pending_operations")
    if not pending:
        return
    print(f"an earlier deployment was killed: settling {len(pending)} unfinished operations", flush=True)
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    cluster = DynamicClient(kubernetes.ApiClient())
    state["deployment"], taken_in = settled(state["deployment"], lambda inputs: found(cluster, inputs))
    _pulumi("stack", "import", text=json.dumps(state))
    targets = [option for urn in taken_in for option in ("--target", urn)]
    if targets:
        _pulumi("refresh", "--yes", "--skip-preview", "--non-interactive", *targets)


def _pulumi(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(["pulumi", *arguments], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"pulumi {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Release an abandoned lock, then settle the pending operations, which is impossible while the lock is held."""
    stack = _pulumi("stack", "--show-name").strip()
    release_abandoned_lock(os.environ.get("PULUMI_BACKEND_URL", ""), stack)
    settle_pending_operations()


if __name__ == "__main__":
    main()
