"""Facts from inside the server's pod, and from the logs of containers that are not ready."""

import json
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tools.doctor import messages
from tools.doctor.chapters.networks import denied_targets
from tools.doctor.collect.cluster import Cluster, RefusedError
from tools.doctor.facts import Facts, Object, Unseen, name_of, namespace_of, part, parts

SCRIPT = Path(__file__).parents[1] / "server" / "examine.py"
CONTAINER = "mlflow"
EXEC_SECONDS = 20
LINES = 80


def issuers(server: Object) -> list[str]:
    """Issuers whose keys the login beside the server reads."""
    urls = [value for option, value in _options(server) if option == "--oidc-issuer-url"]
    urls += [value.rpartition("=")[0] for option, value in _options(server) if option == "--extra-jwt-issuers"]
    return list(dict.fromkeys(urls))


def accepted(server: Object) -> list[list[str]]:
    """Pairs of issuer and audience that the login accepts in tokens of service accounts."""
    pairs = [value.rpartition("=")[::2] for option, value in _options(server) if option == "--extra-jwt-issuers"]
    clients = [value for option, value in _options(server) if option in {"--client-id", "--oidc-extra-audience"}]
    main = [value for option, value in _options(server) if option == "--oidc-issuer-url"]
    return [list(pair) for pair in pairs] + [[issuer, client] for issuer in main for client in clients]


def _options(server: Object) -> Iterator[tuple[str, str]]:
    for container in parts(server, "spec", "template", "spec", "containers"):
        for word in container.get("args") or ():
            option, _, value = str(word).partition("=")
            yield option, value


def running(facts: Facts) -> Object | None:
    """A pod of the server in which something can be run: a ready one if there is any."""
    found = [
        pod
        for pod in facts.every("Pod", facts.platform.namespace)
        if part(pod, "metadata", "labels").get("app.kubernetes.io/name") == CONTAINER
        and "deletionTimestamp" not in pod["metadata"]
        and any(
            one["name"] == CONTAINER and "running" in one["state"] for one in parts(pod, "status", "containerStatuses")
        )
    ]
    ready = [pod for pod in found if all(one.get("ready") for one in parts(pod, "status", "containerStatuses"))]
    return next(iter(ready or found), None)


def examine(facts: Facts, pod: Object, server: Object | None) -> tuple[dict[str, Any], list[Unseen]]:
    """Findings of `tools/doctor/server/examine.py` in the pod."""
    questions = {
        "issuers": [] if server is None else issuers(server),
        "authority": facts.platform.authority,
        "targets": denied_targets(facts),
    }
    where = (name_of(pod), f"--namespace={namespace_of(pod)}", f"--container={CONTAINER}")
    command = ("kubectl", "exec", "--stdin", *where, "--", "python3", "-W", "ignore", "-", json.dumps(questions))
    what = "database, artifact store, issuers and networks from inside of the server's pod"
    try:
        done = subprocess.run(
            command,
            input=SCRIPT.read_text(encoding="utf-8"),
            capture_output=True,
            text=True,
            timeout=EXEC_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, FileNotFoundError) as error:
        needs = (
            f"an answer within {EXEC_SECONDS} s" if isinstance(error, subprocess.TimeoutExpired) else "kubectl on PATH"
        )
        return {}, [Unseen(what=what, needs=needs)]
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        said = done.stderr.strip().splitlines() or ["no output"]
        forbidden = "forbidden" in done.stderr.lower()
        needs = f"the right to create pods/exec in namespace {namespace_of(pod)}" if forbidden else said[-1]
        return {}, [Unseen(what=what, needs=needs)]
    return found | {"skew": time.time() - found["time"]}, []


def logs(cluster: Cluster, pods: Iterable[Object]) -> tuple[dict[str, str], list[Unseen]]:
    """The line of the log that says most, for each container that is not ready, by pod and container."""
    wanted = [
        (pod, status)
        for pod in pods
        if pod["status"].get("phase") in {"Running", "Pending"} and "deletionTimestamp" not in pod["metadata"]
        for status in (
            *parts(pod, "status", "initContainerStatuses"),
            *parts(pod, "status", "containerStatuses"),
        )
        if not status.get("ready") and (status.get("restartCount") or "running" in status["state"])
    ]

    def read(one: tuple[Object, Object]) -> tuple[str, str, Unseen | None]:
        pod, status = one
        key = f"{name_of(pod)}/{status['name']}"
        ended = "running" not in status["state"] and status.get("restartCount")
        query = {"container": status["name"], "tailLines": LINES, "previous": "true" if ended else "false"}
        path = f"/api/v1/namespaces/{namespace_of(pod)}/pods/{name_of(pod)}/log?{urlencode(query)}"
        try:
            return key, messages.telling(cluster.send("GET", path, accept="*/*").data.decode(errors="replace")), None
        except RefusedError as error:
            return key, "", Unseen(what=f"log of {key}", needs=error.needs(f"get pods/log in {namespace_of(pod)}"))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(read, wanted))
    return {key: line for key, line, _ in results if line}, [one for _, _, one in results if one is not None]
