"""Creating a StatefulSet again with other claim templates, which Kubernetes cannot change. Its pods and claims stay.

Between the deletion and the creation there is no StatefulSet, and nothing would start its pod again. So this runs as a
separate process in its own session, `python -m tools.growth.recreation FILE`, which survives Ctrl+C and the end of the
command that started it. If the new StatefulSet is refused, the unchanged one is applied.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tools.growth.claims import AGAIN, GrowthError, Say
from tools.growth.cluster import Cluster
from tools.growth.judgement import Recreation
from tools.growth.volumes import Holder
from tools.kubectl import ClusterError
from tools.plan.preview import Json, part

GONE_SECONDS = 600
# An API server that restarts is back within this time.
APPLY_SECONDS = 300
READY_SECONDS = 600
POLL_SECONDS = 1
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class MissingError(GrowthError):
    """The StatefulSet is deleted, and could not be created again."""


def recreate(one: Recreation, context: str | None, say: Say) -> None:
    """Create the StatefulSet again, in a process that Ctrl+C does not end.

    Raises:
        GrowthError: the StatefulSet could not be created with the new sizes; the message says whether it exists.
    """
    holder = one.holder
    document = {
        "context": context,
        "manager": holder.manager,
        "exists": one.exists,
        "grown": holder.manifest(grown=True),
        "unchanged": holder.manifest(grown=False),
    }
    handle, file = tempfile.mkstemp(prefix=f"{holder.name}-", suffix=".json")
    with os.fdopen(handle, "w", encoding="utf-8") as text:
        json.dump(document, text)
    code, said = apart(file, say)
    if code:
        raise GrowthError("\n".join(said) or f"creating {holder.object} again was killed: its manifests are in {file}")


def apart(file: str, say: Say) -> tuple[int, list[str]]:
    """Exit code and output of a process that creates the StatefulSet of a file again."""
    command = (sys.executable, "-m", "tools.growth.recreation", file)
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        while True:
            try:
                said.extend(line.rstrip("\n") for line in process.stdout or ())
                return process.wait(), said
            except KeyboardInterrupt:
                say("not now: the StatefulSet has to be there first")


def run(file: Path) -> int:
    """Create the StatefulSet of a file again; returns the exit code.

    The file stays if the StatefulSet is missing in the end.
    """
    document: Json = json.loads(file.read_text(encoding="utf-8"))
    cluster = Cluster(document["context"])
    try:
        _replace(cluster, document)
    except MissingError as error:
        _print(_way_out(error, cluster, file))
        return 1
    except GrowthError as error:
        _print(f"{error}\n{AGAIN}")
        file.unlink()
        return 1
    file.unlink()
    return 0


def _print(text: str) -> None:
    # Whoever has started this may be gone.
    with suppress(OSError):
        print(text, flush=True)


def _way_out(error: MissingError, cluster: Cluster, file: Path) -> str:
    return (
        f"{error}\nIts pod goes on, but nothing starts it again. The manifests are in {file}. As soon as the cause is"
        f" mended, run `make grow` again, or:\n  python3 -c \"import json; print(json.dumps(json.load(open('{file}'))"
        f"['unchanged']))\" | kubectl{cluster.shown} apply --server-side --filename=-"
    )


def _replace(cluster: Cluster, document: Json) -> None:
    namespace, name = (str(part(document["unchanged"], "metadata")[key]) for key in ("namespace", "name"))
    if document["exists"]:
        _delete(cluster, namespace, name)
    try:
        cluster.apply(document["grown"], document["manager"])
    except ClusterError as error:
        _put_back(cluster, document, error)


def _delete(cluster: Cluster, namespace: str, name: str) -> None:
    before = cluster.find("statefulset", namespace, name)
    try:
        cluster.orphan(namespace, name)
    except ClusterError as error:
        # The answer may be lost, and the request not.
        live = _asked(lambda: cluster.find("statefulset", namespace, name), before)
        if live is not None and "deletionTimestamp" not in part(live, "metadata"):
            raise GrowthError(
                f"StatefulSet {namespace}/{name} could not be deleted, and is as before: {error}"
            ) from None
    end = time.monotonic() + GONE_SECONDS
    while _asked(lambda: cluster.find("statefulset", namespace, name), before) is not None:
        if time.monotonic() > end:
            raise MissingError(f"StatefulSet {namespace}/{name} is still being deleted after {GONE_SECONDS} s")
        time.sleep(POLL_SECONDS)


def _asked(question: Callable[[], Json | None], otherwise: Json | None) -> Json | None:
    try:
        return question()
    except ClusterError:
        return otherwise


def _put_back(cluster: Cluster, document: Json, error: ClusterError) -> None:
    """Apply the unchanged StatefulSet; the claims keep their new size."""
    manifest: Json = document["unchanged"]
    name = "{namespace}/{name}".format(**part(manifest, "metadata"))
    end = time.monotonic() + APPLY_SECONDS
    while True:
        try:
            cluster.apply(manifest, document["manager"])
        except ClusterError as again:
            if time.monotonic() > end:
                raise MissingError(
                    f"StatefulSet {name} is missing: neither the new nor the old one was accepted: {again}"
                ) from None
            time.sleep(POLL_SECONDS)
        else:
            raise GrowthError(
                f"StatefulSet {name} was refused with the new size, and is there again with the old one; its pods go"
                f" on: {error}"
            )


def wait_until_ready(cluster: Cluster, holder: Holder, say: Say) -> None:
    """Wait until the StatefulSet has its pods.

    Raises:
        GrowthError: the pods are not ready in time.
    """
    end, said = time.monotonic() + READY_SECONDS, ""
    while True:
        try:
            live = cluster.find("statefulset", holder.namespace, holder.name)
        except ClusterError as error:
            text = f"waiting for the API server: {error}"
        else:
            wanted = part(live, "spec").get("replicas", 1)
            status = part(live, "status")
            observed = status.get("observedGeneration") == part(live, "metadata").get("generation")
            if live is not None and observed and status.get("readyReplicas", 0) >= wanted:
                return
            text = f"{holder.object}: {status.get('readyReplicas', 0)} of {wanted} pods are ready"
        if text != said:
            say(text)
            said = text
        if time.monotonic() > end:
            raise GrowthError(f"{said}, for {READY_SECONDS // 60} minutes: `make doctor` names the fault.\n{AGAIN}")
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Create the StatefulSet of the file in the arguments again."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    sys.exit(run(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
