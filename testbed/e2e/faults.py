"""Faults for the doctor to name: each is made in the deployed platform and undone at the end of its block."""

import base64
import contextlib
import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from testbed.e2e.field_managers import SHOWN, Restoration, restoration
from testbed.e2e.kube import Object

SPACE, TEAM = "mlflow", "team-a"
# Starts a rollout, and ends it: an annotation that nobody else has.
ANNOTATION = "doctor-test"
WITHOUT_ANNOTATION = json.dumps({"spec": {"template": {"metadata": {"annotations": {ANNOTATION: None}}}}})
START_SECONDS, SEEN_SECONDS = 180, 90

Making = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault, and what the doctor has to say about it."""

    name: str
    chapter: str
    cause: str
    subject: str
    """Beginning of the subject: many names end with letters that Pulumi has generated."""

    make: Making


def named(kind: str, beginning: str, namespace: str = SPACE) -> Object:
    """The only object whose name begins with this text."""
    listed = kube.objects(kind, *_in(namespace), SHOWN)
    (found,) = [one for one in listed if one["metadata"]["name"].startswith(beginning)]
    return found


def _restoration(*target: str) -> Restoration:
    return restoration(json.loads(kube.kubectl("get", *target, SHOWN, "--output=json").stdout))


def _in(namespace: str) -> tuple[str, ...]:
    return (f"--namespace={namespace}",) if namespace else ()


@contextlib.contextmanager
def deleted(kind: str, beginning: str, namespace: str = SPACE) -> Generator[None]:
    """An object does not exist."""
    one = named(kind, beginning, namespace)
    kube.kubectl("delete", kind, one["metadata"]["name"], *_in(namespace), "--wait=true")
    try:
        yield
    finally:
        restoration(one).write()


@contextlib.contextmanager
def patched(
    kind: str, beginning: str, patch: list[Object], undo: list[Object], namespace: str = SPACE
) -> Generator[None]:
    """Change an object by a JSON patch; afterwards its fields belong to their former field manager again."""
    before = named(kind, beginning, namespace)
    command = ("patch", kind, before["metadata"]["name"], *_in(namespace), "--type=json")
    kube.kubectl(*command, f"--patch={json.dumps(patch)}")
    try:
        yield
    finally:
        back = restoration(before)
        if back.applies:
            back.write()
        else:
            kube.kubectl(*command, *back.by, f"--patch={json.dumps(undo)}")


def replaced(kind: str, beginning: str, path: str, values: tuple[Any, Any], namespace: str = SPACE) -> Making:
    """Set a field of an object to the first of two values, and at the end to the second."""

    def make() -> AbstractContextManager[None]:
        patch, undo = ([{"op": "replace", "path": path, "value": one}] for one in values)
        return patched(kind, beginning, patch, undo, namespace)

    return make


@contextlib.contextmanager
def added(manifest: Object) -> Generator[None]:
    """An object exists that the platform did not deploy."""
    kube.kubectl("create", "--filename=-", stdin=json.dumps(manifest))
    try:
        yield
    finally:
        metadata = manifest["metadata"]
        kube.kubectl("delete", manifest["kind"], metadata["name"], f"--namespace={metadata['namespace']}")


@contextlib.contextmanager
def scaled_down(kind: str, name: str, namespace: str = SPACE, *, label: str = "") -> Generator[None]:
    """A workload has no pods."""
    selector = label or f"app.kubernetes.io/name={name}"
    target = (f"{kind}/{name}", f"--namespace={namespace}")
    back = _restoration(*target)
    kube.kubectl("scale", *target, "--replicas=0")
    wait_for(f"no pod of {name}", lambda: not _pods(namespace, selector), seconds=START_SECONDS)
    try:
        yield
    finally:
        if back.applies and "replicas" in back.manifest["spec"]:
            back.write()
        else:
            kube.kubectl("patch", *target, *back.by, "--type=merge", '--patch={"spec": {"replicas": 1}}')
        wait_for(
            f"a ready pod of {name}", lambda: any(map(kube.is_ready, _pods(namespace, selector))), seconds=START_SECONDS
        )


def _pods(namespace: str, selector: str) -> list[Object]:
    return kube.objects("pods", f"--namespace={namespace}", f"--selector={selector}")


def sql(statement: str) -> str:
    """Run a statement as PostgreSQL's superuser, in its pod."""
    command = ("psql", "--username=postgres", "--dbname=mlflow", "--no-psqlrc", "--tuples-only", "--no-align")
    return kube.kubectl(
        "exec", "--stdin", "postgres-0", f"--namespace={SPACE}", "--", *command, stdin=statement
    ).stdout.strip()


@contextlib.contextmanager
def in_database(statement: str, undo: str) -> Generator[None]:
    """Change the database, and undo it at the end of the block."""
    sql(statement)
    try:
        yield
    finally:
        sql(undo)


def password_changed() -> AbstractContextManager[None]:
    """The password of the server's role is not that of its Secret."""
    data = named("secrets", "postgres-client-credential")["data"]["password"]
    right = base64.b64decode(data).decode()
    role = "ALTER ROLE mlflow_server PASSWORD"
    return in_database(f"{role} 'other'", f"{role} '{right}'")


def schema_newer() -> AbstractContextManager[None]:
    """The schema is at a revision that the server does not know."""
    revision = sql("SELECT version_num FROM alembic_version")
    change = "UPDATE alembic_version SET version_num ="
    return in_database(f"{change} '000000000000'", f"{change} '{revision}'")


@contextlib.contextmanager
def rolled(changes: Object, seen: str, *, deployment: str = "mlflow", before: Object | None = None) -> Generator[None]:
    """Begin a rollout whose new pod does not start; the old pod goes on. `before` is created first, deleted last."""
    with contextlib.ExitStack() as stack:
        if before is not None:
            stack.enter_context(added(before))
        target = (f"deployment/{deployment}", f"--namespace={SPACE}")
        back = _restoration(*target)
        patch = json.dumps({"spec": {"template": changes}})
        kube.kubectl("patch", *target, "--type=strategic", f"--patch={patch}")
        try:
            wait_for(f"{seen} is seen", lambda: seen in _words(deployment), seconds=SEEN_SECONDS)
            yield
        finally:
            # `rollout undo` would make the whole template its own.
            if back.applies:
                back.write()
                kube.kubectl("patch", *target, "--type=strategic", f"--patch={WITHOUT_ANNOTATION}")
            else:
                kube.kubectl("rollout", "undo", *target)
    wait_for(f"one pod of {deployment}", lambda: _settled(deployment), seconds=START_SECONDS)


def _words(deployment: str) -> str:
    pods = _pods(SPACE, f"app.kubernetes.io/name={deployment}")
    return json.dumps([one["status"] for one in [*pods, kube.one("deployment", deployment, SPACE)]])


def _settled(deployment: str) -> bool:
    pods = _pods(SPACE, f"app.kubernetes.io/name={deployment}")
    return len(pods) == 1 and kube.is_ready(pods[0])


def quota(namespace: str, hard: dict[str, str]) -> Object:
    """Manifest of a ResourceQuota."""
    metadata = {"namespace": namespace, "name": "doctor-test"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}


def closed(namespace: str) -> Object:
    """Manifest of a NetworkPolicy that denies everything that pods of a namespace send."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": namespace, "name": "doctor-test"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
    }


@contextlib.contextmanager
def greedy_job() -> Generator[None]:
    """A team's Job asks for more memory than the team's quota has."""
    pod = kube.team_pod("doctor-test", TEAM, image="none", script="")
    limits = {"cpu": "1", "memory": "2Ti"}
    pod["spec"]["containers"][0]["resources"] = {"requests": limits, "limits": limits}
    job: Object = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": pod["metadata"],
        "spec": {"template": {"spec": pod["spec"]}},
    }
    with added(job):
        refused = "--field-selector=reason=FailedCreate"
        wait_for(
            "the refusal", lambda: bool(kube.objects("events", f"--namespace={TEAM}", refused)), seconds=SEEN_SECONDS
        )
        yield
