"""Clean up after a deployment that was killed, so that the next one continues where it stopped.

A killed Pulumi leaves its lock, if the state is in a file, and pending operations for objects that it was creating.
The lock is removed if its process no longer exists. An object that exists in the cluster is added to the state, any
other pending operation is removed. Prints nothing if there is nothing to do.
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
# Field manager of the provider; for an object that it applies, it adds a random part.
PROVIDER = "pulumi-kubernetes"
FIELD_MANAGER = f"{PROVIDER}-"

Object = Mapping[str, Any]


def abandoned(lock: Mapping[str, Any], host: str) -> bool:
    """True if a lock belongs to a process of this host that has ended."""
    return lock.get("hostname") == host and not runs(int(lock["pid"]))


def runs(pid: int) -> bool:
    """True if a process of this machine exists and has not ended."""
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


def field_manager(live: Object) -> str | None:
    """Field manager with which the provider applied an object, if it did; another one would conflict with it."""
    applied = [
        entry
        for entry in live["metadata"].get("managedFields") or ()
        if entry["operation"] == "Apply" and entry["manager"].startswith(FIELD_MANAGER) and not entry.get("subresource")
    ]
    return max(applied, key=lambda entry: entry.get("time") or "")["manager"] if applied else None


def is_ours(live: Object) -> bool:
    """True if the provider has written an object; one that existed before belongs to somebody else."""
    return any(entry["manager"].startswith(PROVIDER) for entry in live["metadata"].get("managedFields") or ())


def adopted(begun: Object, live: Object) -> dict[str, Any]:
    """The resource of an object that was being created, as the provider would have written it into the state.

    Until a refresh the outputs are the inputs instead of the whole object: a diff compares the inputs, and secret ones
    are encrypted. Nothing shows yet that the object is ready, so the next run waits for it.
    """
    inputs = begun["inputs"]
    outputs = {**inputs, "__inputs": inputs, "__initialApiVersion": inputs["apiVersion"]}
    manager = field_manager(live)
    if manager is not None:
        outputs["__fieldManager"] = manager
    unready = ["its creation was interrupted"]
    return {**begun, "id": object_id(inputs), "outputs": outputs, "initErrors": unready}


def with_adopted(resources: Sequence[Object], new: Object) -> list[Object]:
    """The resources and an adopted one, which takes the position of the one that it replaces, if any."""
    same = [index for index, old in enumerate(resources) if old["urn"] == new["urn"] and not old.get("delete")]
    if not same:
        # At the end: what it depends on was finished before it was begun.
        return [*resources, new]
    (index,) = same
    old = resources[index]
    if old.get("id") == new["id"] and not old.get("pendingReplacement"):
        return list(resources)
    # What was deleted first is gone; what was not is left for the next run to delete.
    rest = [] if old.get("pendingReplacement") else [{**old, "delete": True}]
    return [*resources[:index], new, *rest, *resources[index + 1 :]]


def settled(deployment: Object, find: Callable[[Object], Object | None]) -> tuple[dict[str, Any], list[str]]:
    """A deployment without pending operations, and the URNs of the adopted objects.

    An object that was being created and that `find` finds by its inputs becomes a resource; a refresh completes it.
    One of somebody else does not: a later `destroy` would delete it. An interrupted update or deletion needs nothing:
    the next run finds the difference again. (`pulumi refresh --import-pending-creates` drops such objects instead of
    adopting them.)
    """
    rest = {key: value for key, value in deployment.items() if key != "pending_operations"}
    rest["resources"] = list(deployment.get("resources", ()))
    taken_in: list[str] = []
    for operation in deployment.get("pending_operations") or ():
        begun = operation["resource"]
        if operation["type"] != "creating" or "metadata" not in begun.get("inputs", {}):
            continue
        live = find(begun["inputs"])
        if live is not None and is_ours(live):
            rest["resources"] = with_adopted(rest["resources"], adopted(begun, live))
            taken_in.append(begun["urn"])
    return rest, sorted(set(taken_in))


def found(cluster: Any, inputs: Object) -> Object | None:  # noqa: ANN401 - the package has no types
    """The object in the cluster; None if it, its kind or its namespace does not exist.

    Raises:
        DynamicApiError: the API server refused the request.
    """
    try:
        api = cluster.resources.get(api_version=inputs["apiVersion"], kind=inputs["kind"])
        return api.get(name=inputs["metadata"]["name"], namespace=inputs["metadata"].get("namespace")).to_dict()
    except (ResourceNotFoundError, NotFoundError):
        return None


def settle_pending_operations() -> None:
    """Add objects with a pending creation to the state if they exist, and remove all pending operations."""
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
    """Release the lock first: no other Pulumi command works while it is held."""
    stack = _pulumi("stack", "--show-name").strip()
    release_abandoned_lock(os.environ.get("PULUMI_BACKEND_URL", ""), stack)
    settle_pending_operations()


if __name__ == "__main__":
    main()
