"""Rolls out what aliases point to: writes the version behind each alias into the pod template of its model's server.

Kubernetes then replaces pods one by one, each when its successor is ready. The script does nothing else: it never
deletes and never scales. It writes the state of each rollout into an annotation of the Deployment, and changes of the state into its log.
"""

import json
import os
import signal
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "mlflow-platform/model-version"
ANSWERING = "mlflow-platform/answering-version"
STATUS = "mlflow-platform/rollout"
FIELD_MANAGER = "model-rollout"
HEALTH_PORT = 8080
PERIOD_SECONDS = 5
REQUEST_SECONDS = 10
# A round that takes longer than this hangs: the kubelet restarts the container.
ROUND_SECONDS = 300
KUBERNETES_FILES = "/var/run/secrets/kubernetes.io/serviceaccount"
MLFLOW_TOKEN = "/var/run/secrets/mlflow/token"
ALIAS = "/api/2.0/mlflow/registered-models/alias"


class Missing(Exception):
    """There is no such model or alias."""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def answer(request, context=None):
    """The answer to a request, as JSON."""
    with urllib.request.urlopen(request, timeout=REQUEST_SECONDS, context=context) as response:
        return json.load(response)


class MLflow:
    """The registry, asked with the pod's own token."""

    def __init__(self, environment):
        self.url = environment["MLFLOW_TRACKING_URI"]
        workspace = environment.get("MLFLOW_WORKSPACE")
        self.headers = {"X-MLFLOW-WORKSPACE": workspace} if workspace else {}

    def version(self, model, alias):
        """The version that an alias points to."""
        query = urllib.parse.urlencode({"name": model, "alias": alias})
        headers = {**self.headers, "Authorization": f"Bearer {read(MLFLOW_TOKEN)}"}
        try:
            found = answer(urllib.request.Request(f"{self.url}{ALIAS}?{query}", headers=headers))
        except urllib.error.HTTPError as error:
            if error.code in (400, 404):
                raise Missing(f"there is no alias {alias} of a registered model {model}") from None
            raise
        return str(found["model_version"]["version"])


class Kubernetes:
    """The API server, asked with the pod's own token."""

    def __init__(self, environment):
        host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]
        self.url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        self.context = ssl.create_default_context(cafile=f"{KUBERNETES_FILES}/ca.crt")

    def ask(self, method, path, document=None):
        """Send a request; `document` is a merge patch."""
        headers = {
            "Authorization": f"Bearer {read(f'{KUBERNETES_FILES}/token')}",
            "Content-Type": "application/merge-patch+json",
        }
        body = None if document is None else json.dumps(document).encode()
        query = f"?fieldManager={FIELD_MANAGER}" if document else ""
        request = urllib.request.Request(f"{self.url}{path}{query}", data=body, headers=headers, method=method)
        return answer(request, self.context)


def nested(steps, value):
    """A value under a path of keys, as a merge patch."""
    for step in reversed(steps):
        value = {step: value}
    return value


def at(document, steps):
    """The mapping at a path of keys; empty if there is none."""
    for step in steps:
        document = document.get(step) or {}
    return document


def is_complete(server):
    """True if all pods of a Deployment are of its newest template, and available."""
    status, replicas = server.get("status", {}), server["spec"].get("replicas", 1)
    return status.get("observedGeneration") == server["metadata"]["generation"] and (
        status.get("replicas", 0) == status.get("updatedReplicas", 0) == status.get("availableReplicas", 0) == replicas
    )


def is_stuck(server):
    """True if the newest pods have not become ready within the Deployment's deadline."""
    conditions = server.get("status", {}).get("conditions", ())
    return server.get("status", {}).get("observedGeneration") == server["metadata"]["generation"] and any(
        one["type"] == "Progressing" and one["status"] == "False" for one in conditions
    )


def judged(server, version, answering):
    """How a Deployment's rollout stands, and the version that answers after it."""
    if not version:
        return "no version is known", answering
    if is_complete(server):
        return f"version {version} answers", version
    before = f"version {answering} answers" if answering else "no version answers"
    if is_stuck(server):
        return f"version {version} has not become ready in time: see the log of its pod; {before}", answering
    if answering == version:
        ready = server.get("status", {}).get("readyReplicas", 0)
        return f"version {version} answers, with {ready} ready pods", answering
    return f"version {version} is starting; {before}", answering


class Follower:
    """One model's server, and the alias that it follows."""

    def __init__(self, target, mlflow, kubernetes):
        self.target, self.mlflow, self.kubernetes = target, mlflow, kubernetes
        self.said = ""

    def say(self, text):
        """Log a text, unless it was the last one."""
        if text != self.said:
            self.said = text
            names = {key: self.target[key] for key in ("server", "model", "alias")}
            print(json.dumps({"log": "model-rollout", **names, "status": text}), flush=True)

    def step(self):
        """Compare alias and Deployment once, and update the Deployment if they differ."""
        target = self.target
        server = self.kubernetes.ask("GET", target["path"])
        notes = at(server, ("metadata", "annotations"))
        version = at(server, target["annotations"]).get(VERSION, "")
        problem = ""
        try:
            wanted = self.mlflow.version(target["model"], target["alias"])
        except Missing as error:
            wanted, problem = version, f"{error}; "
        except (OSError, ValueError, KeyError) as error:
            said = f"status {error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
            wanted, problem = version, f"the alias cannot be read ({said}); "
        if wanted != version:
            patch = nested(target["annotations"], {VERSION: wanted})
            server = self.kubernetes.ask("PATCH", target["path"], patch)
        answering = notes.get(ANSWERING, "")
        if not target["watched"]:
            # Only logged: KServe copies annotations of an InferenceService to its pods, which would be replaced.
            self.say(problem + (f"version {wanted} is set" if wanted else "no version is known"))
            return
        text, answering = judged(server, wanted, answering)
        new = {STATUS: problem + text, **({ANSWERING: answering} if answering else {})}
        if {key: notes.get(key) for key in new} != new:
            self.kubernetes.ask("PATCH", target["path"], {"metadata": {"annotations": new}})
        self.say(problem + text)


def attempt(follower):
    """One step of a follower; a failure is logged, and the next round tries again."""
    try:
        follower.step()
    except urllib.error.HTTPError as error:
        follower.say(f"{error.url.partition('?')[0]} answered {error.code}; trying again")
    except (OSError, ValueError, KeyError) as error:
        follower.say(f"{type(error).__name__}: {error}; trying again")


class Pulse:
    """Time at which the last round ended."""

    def __init__(self):
        self.last = time.monotonic()

    def listen(self):
        """Answer the kubelet's probes, in a thread."""
        pulse = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if time.monotonic() - pulse.last < ROUND_SECONDS else 503)
                self.end_headers()

            def log_message(self, *_):
                """Log nothing: all requests are probes."""

        server = ThreadingHTTPServer(("", HEALTH_PORT), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    """Follow all aliases until the pod ends."""
    # The first process of a container ignores SIGTERM otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    mlflow, kubernetes = MLflow(os.environ), Kubernetes(os.environ)
    followers = [Follower(target, mlflow, kubernetes) for target in json.loads(os.environ["SERVED_MODELS"])]
    pulse = Pulse()
    pulse.listen()
    while True:
        for follower in followers:
            attempt(follower)
        pulse.last = time.monotonic()
        time.sleep(PERIOD_SECONDS)


if __name__ == "__main__":
    main()
