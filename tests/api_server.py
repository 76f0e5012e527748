"""A small Kubernetes API server for tests.

It answers access reviews by RBAC, serves lists and watches, counts requests, and can hang.
"""

import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast
from urllib.parse import parse_qs, urlsplit

from kubernetes import client
from mlflow_platform_server.kubernetes_api import KubernetesApi

RBAC = "/apis/rbac.authorization.k8s.io/v1"
KINDS = {"/api/v1/namespaces": "Namespace", f"{RBAC}/rolebindings": "RoleBinding"} | {
    f"{RBAC}/clusterrolebindings": "ClusterRoleBinding",
    "/api/v1/namespaces/mlflow/configmaps": "ConfigMap",
}
Object = dict[str, Any]
# Pairs of a resource and a verb by role.
Roles = dict[str, set[tuple[str, str]]]


def namespace(name: str, description: str | None = None) -> Object:
    """A Namespace object."""
    annotations = {} if description is None else {"mlflow.kubeflow.org/workspace-description": description}
    return {"metadata": {"name": name, "resourceVersion": "1", "annotations": annotations}}


def binding(name: str, role: str, subjects: list[Object], inside: str | None = None) -> Object:
    """A RoleBinding in a namespace, or a ClusterRoleBinding."""
    metadata = {"name": name, "resourceVersion": "1"} | ({} if inside is None else {"namespace": inside})
    return {"metadata": metadata, "roleRef": {"kind": "ClusterRole", "name": role}, "subjects": subjects}


def group(name: str) -> Object:
    """A group as the subject of a binding."""
    return {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def user(name: str) -> Object:
    """A user as the subject of a binding."""
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}


class ApiServer:
    """Listens on the loopback interface; for use in a `with` statement."""

    def __init__(self, objects: Iterable[tuple[str, Object]] = (), *, roles: Roles) -> None:
        """`objects` are pairs of a kind and an object; `roles` has pairs of a resource and a verb by role."""
        self.roles = roles
        self.tokens: dict[str, tuple[str, list[str]]] = {}
        """User and groups of each token."""

        self.reviews: list[tuple[str, Object]] = []
        """User and resource attributes of each review, in order."""

        self.identities = 0
        """Number of SelfSubjectReviews so far."""

        self.requests = Counter[str]()
        """Requests so far, by path."""

        self.refuse_with: int | None = None
        """Status of all answers; None for ordinary answers."""

        self.delay = 0.0
        """Duration of each review in seconds."""

        self.at_once = self.most_at_once = 0
        """Number of reviews in progress, and the largest number so far."""

        self.connections = 0
        """Number of connections so far."""

        self._objects: dict[str, dict[tuple[str, str], Object]] = {kind: {} for kind in KINDS.values()}
        self._version, self._oldest = 1, 0
        # Versions and kinds with their events.
        self._events: list[tuple[int, str, Object]] = []
        self.watchers: list[tuple[str, queue.Queue[Object | None]]] = []
        self.lock = threading.Lock()
        self.open = threading.Event()
        self.open.set()
        self.closing = False
        for kind, item in objects:
            self._objects[kind][_key(item)] = item
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing = True
        self.open.set()
        self.end_watches()
        self._server.shutdown()
        self.close()

    def close(self) -> None:
        """Release the port."""
        self._server.server_close()

    def api(self, connections: int = 8) -> KubernetesApi:
        """A client of this server, with its own credential."""
        configuration = client.Configuration()
        configuration.host = f"http://127.0.0.1:{self._server.server_address[1]}"
        configuration.api_key = {"BearerToken": "Bearer own"}
        return KubernetesApi(configuration, connections=connections)

    def hang(self) -> None:
        """Accept connections and requests, and answer none."""
        self.open.clear()

    def come_back(self) -> None:
        """Answer all waiting requests, and new ones."""
        self.open.set()

    def put(self, kind: str, item: Object) -> None:
        """Create or change an object; watches receive the event."""
        event = "MODIFIED" if _key(item) in self._objects[kind] else "ADDED"
        self._objects[kind][_key(item)] = item
        self._tell(kind, event, item)

    def delete(self, kind: str, item: Object) -> None:
        """Delete an object; watches receive the event."""
        del self._objects[kind][_key(item)]
        self._tell(kind, "DELETED", item)

    def lose(self, kind: str, item: Object) -> None:
        """Delete an object and forget the event: watches end with 410 and do not receive it."""
        del self._objects[kind][_key(item)]
        with self.lock:
            self._version += 1
            self._oldest = self._version
        self.end_watches()

    def end_watches(self) -> None:
        """End all watches as after their timeout."""
        with self.lock:
            for _, events in self.watchers:
                events.put(None)

    def _tell(self, kind: str, event: str, item: Object) -> None:
        with self.lock:
            self._version += 1
            item["metadata"]["resourceVersion"] = str(self._version)
            message = {"type": event, "object": item}
            self._events.append((self._version, kind, message))
            for watched, events in self.watchers:
                if watched == kind:
                    events.put(message)

    def watch(self, kind: str, since: int) -> queue.Queue[Object | None]:
        """The events after a resource version; a final None ends the watch."""
        events: queue.Queue[Object | None] = queue.Queue()
        with self.lock:
            if since < self._oldest:
                events.put({"type": "ERROR", "object": {"code": 410, "metadata": {}}})
                events.put(None)
            for version, changed, message in self._events:
                if version > since and changed == kind:
                    events.put(message)
            self.watchers.append((kind, events))
        return events

    def list(self, kind: str, query: dict[str, Any]) -> Object:
        """One page of a list."""
        items = list(self._objects[kind].values())
        start, limit = int(query.get("continue", ["0"])[0]), int(query.get("limit", ["0"])[0]) or len(items) or 1
        metadata = {"resourceVersion": str(self._version)}
        if start + limit < len(items):
            metadata["continue"] = str(start + limit)
        return {"metadata": metadata, "items": items[start : start + limit]}

    def review(self, path: str, credential: str, document: Object) -> tuple[int, Object]:
        """Status and answer of a review."""
        by_token = "/self" in path
        name, groups = self.tokens.get(credential, ("", [])) if by_token else ("", [])
        if by_token and not name:
            return 401, {}
        if path.endswith("/selfsubjectreviews"):
            self.identities += 1
            return 201, {"status": {"userInfo": {"username": name, "groups": groups}}}
        spec = document["spec"]
        if not by_token:
            assert credential == "own"
            name, groups = spec["user"], spec["groups"]
        attributes = spec["resourceAttributes"]
        with self.lock:
            self.reviews.append((name, attributes))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.delay)
        self.open.wait()
        objects = [(kind, item) for kind, items in self._objects.items() for item in list(items.values())]
        answer = allowed(objects, self.roles, name, groups, attributes)
        with self.lock:
            self.at_once -= 1
        return 201, {"status": {"allowed": answer}}


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: ApiServer

    def setup(self) -> None:
        super().setup()
        self.api = cast("_Server", self.server).api
        self.api.connections += 1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        """List or watch."""
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        self.api.requests[address.path] += 1
        self.api.open.wait()
        if self.api.refuse_with is not None:
            self._answer(self.api.refuse_with, {})
        elif "watch" in query:
            self._watch(KINDS[address.path], int(query["resourceVersion"][0]))
        else:
            self._answer(200, self.api.list(KINDS[address.path], query))

    def do_POST(self) -> None:
        """Review."""
        self.api.requests[self.path] += 1
        document = json.loads(self.rfile.read(int(self.headers["content-length"])))
        credential = self.headers.get("authorization", "").partition(" ")[2]
        status, answer = self.api.review(self.path, credential, document)
        self._answer(self.api.refuse_with or status, answer)

    def _answer(self, status: int, document: Object) -> None:
        if self.api.closing:
            self.close_connection = True
            return
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _watch(self, kind: str, since: int) -> None:
        events = self.api.watch(kind, since)
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            while (event := events.get()) is not None:
                self.api.open.wait()
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        finally:
            with self.api.lock:
                self.api.watchers.remove((kind, events))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


def _key(item: Object) -> tuple[str, str]:
    metadata = cast("Object", item["metadata"])
    return metadata.get("namespace", ""), metadata["name"]


def _applies(subject: Object, name: str, groups: Iterable[str], place: str) -> bool:
    if subject["kind"] == "User":
        return subject["name"] == name
    if subject["kind"] == "Group":
        return subject["name"] in groups
    inside = subject.get("namespace") or place
    return bool(inside) and name == f"system:serviceaccount:{inside}:{subject['name']}"


def allowed(
    objects: Iterable[tuple[str, Object]],
    roles: Roles,
    name: str,
    groups: Iterable[str],
    attributes: Object,
) -> bool:
    """True if RBAC allows the request; written from Kubernetes' rules, not from the server's code."""
    wanted = (attributes["resource"], attributes["verb"])
    inside = attributes.get("namespace", "")
    for kind, item in objects:
        place = item["metadata"].get("namespace", "")
        if kind == "ClusterRoleBinding" or (kind == "RoleBinding" and place == inside):
            applies = any(_applies(subject, name, groups, place) for subject in item["subjects"])
            if applies and wanted in roles.get(item["roleRef"]["name"], set()):
                return True
    return False
