"""`Cluster`: the cluster of a stack, through kubectl."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from tools.growth.volumes import MANAGER
from tools.kubectl import ClusterError
from tools.plan.preview import Json, part

SECONDS = 60
DRY_RUN = "--dry-run=server"


class Cluster:
    """The cluster of a context of the kubeconfig; without a context, that of the current one.

    Every method raises `ClusterError` if kubectl fails.
    """

    def __init__(self, context: str | None) -> None:
        self._options = () if context is None else (f"--context={context}",)
        self.shown = "" if context is None else f" --context={context}"
        """The option, for commands in messages."""

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        """An object; None if it does not exist. Without a namespace, an object of the whole cluster."""
        where = (f"--namespace={namespace}",) if namespace else ()
        said = self._run("get", kind, name, *where, "--ignore-not-found", "--output=json")
        return json.loads(said) if said.strip() else None

    def every(self, kind: str, namespace: str) -> list[Json]:
        """All objects of a kind in a namespace."""
        return json.loads(self._run("get", kind, f"--namespace={namespace}", "--output=json"))["items"]

    def allows(self, verb: str, kind: str, namespace: str) -> bool:
        """True if the caller may do this, by a SelfSubjectAccessReview."""
        where = (f"--namespace={namespace}",) if namespace else ()
        done = self._start("auth", "can-i", verb, kind, *where)
        answer = done.stdout.strip()
        # The exit code of a refusal is that of a failure.
        if not answer.startswith(("yes", "no")):
            raise ClusterError(done.stderr.strip() or f"kubectl auth can-i {verb} {kind}: no answer")
        return answer.startswith("yes")

    def request(self, namespace: str, claim: str, size: str, *, dry: bool = False) -> None:
        """Set the request of a PersistentVolumeClaim; in a dry run the API server only judges it."""
        patch = json.dumps({"spec": {"resources": {"requests": {"storage": size}}}})
        # What this manager has written, Pulumi's provider takes over; with another's it would find a conflict.
        manager = f"--field-manager={MANAGER}"
        options = ("--type=merge", manager, f"--patch={patch}", *((DRY_RUN,) if dry else ()))
        self._run("patch", "persistentvolumeclaim", claim, f"--namespace={namespace}", *options)

    def made(self, manifest: Json) -> Json:
        """The object that the API server would make of a manifest; nothing is created."""
        return json.loads(self._run("create", DRY_RUN, "--output=json", "--filename=-", stdin=manifest))

    def apply(self, manifest: Json, manager: str) -> None:
        """Apply a manifest as a field manager."""
        options = ("--server-side", "--force-conflicts", f"--field-manager={manager}")
        self._run("apply", *options, "--filename=-", stdin=manifest)

    def orphan(self, namespace: str, stateful_set: str) -> None:
        """Begin to delete a StatefulSet; its pods and claims stay."""
        self._run("delete", "statefulset", stateful_set, f"--namespace={namespace}", "--cascade=orphan", "--wait=false")

    def end(self, namespace: str, pod: str) -> None:
        """Begin to delete a pod, which its controller then replaces."""
        self._run("delete", "pod", pod, f"--namespace={namespace}", "--wait=false")

    def _run(self, *arguments: str, stdin: Mapping[str, Any] | None = None) -> str:
        done = self._start(*arguments, stdin=stdin)
        if done.returncode:
            raise ClusterError(done.stderr.strip() or done.stdout.strip() or f"kubectl {arguments[0]} failed")
        return done.stdout

    def _start(self, *arguments: str, stdin: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        options = (*self._options, f"--request-timeout={SECONDS}s")
        return start(("kubectl", *options, *arguments), "" if stdin is None else json.dumps(stdin))


def start(command: Sequence[str], stdin: str) -> subprocess.CompletedProcess[str]:
    """Run kubectl in a session of its own: Ctrl+C must not end it between two steps that belong together.

    Raises:
        ClusterError: it cannot be started, or does not end.
    """
    try:
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            errors="replace",
            timeout=2 * SECONDS,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"{command[0]}: {error}") from None


def uid(found: Json | None) -> str:
    """The uid of an object; empty if there is none."""
    return str(part(found, "metadata").get("uid", ""))
