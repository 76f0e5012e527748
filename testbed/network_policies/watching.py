"""A local copy of the cluster's namespaces, pods and NetworkPolicies, kept up to date by listing, then watching."""

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .objects import Object

KINDS = {
    "Namespace": "/api/v1/namespaces",
    "Pod": "/api/v1/pods",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies",
}
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# The API server ends a watch after the first of these times; a connection without data times out after the second.
WATCH_SECONDS = 300
SILENCE_SECONDS = 330


@dataclass
class Copy:
    """All objects, by kind and uid, and an event that every change sets."""

    changed: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _objects: dict[str, dict[str, Object]] = field(default_factory=dict[str, dict[str, Object]])

    def complete(self) -> bool:
        """True if every kind has been listed."""
        with self._lock:
            return set(self._objects) == set(KINDS)

    def objects(self) -> list[Object]:
        """Return all objects."""
        with self._lock:
            return [one for kind in self._objects.values() for one in kind.values()]

    def replace(self, kind: str, listed: list[Object]) -> None:
        """Replace all objects of a kind by a list, whose items have no `kind`."""
        for one in listed:
            one["kind"] = kind
        with self._lock:
            self._objects[kind] = {one["metadata"]["uid"]: one for one in listed}
        self.changed.set()

    def apply(self, kind: str, event: str, one: Object) -> None:
        """Apply one event of a watch."""
        uid = one["metadata"]["uid"]
        with self._lock:
            if event == "DELETED":
                self._objects[kind].pop(uid, None)
            else:
                self._objects[kind][uid] = one
        self.changed.set()


class EndedError(Exception):
    """The watch has failed; the objects have to be listed again."""


def follow(host: str, port: int, kind: str, copy: Copy) -> None:
    """List all objects of one kind, and watch them until the API server ends the watch.

    Raises:
        EndedError: the API server refused a request or reported an error.
        OSError: the API server cannot be reached.
    """
    # Connects by IP address, without DNS; the API server's certificate contains this address.
    connection = http.client.HTTPSConnection(
        host, port, timeout=SILENCE_SECONDS, context=ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    )
    try:
        answer: Any = json.load(_get(connection, KINDS[kind]))
        copy.replace(kind, answer["items"])
        version = answer["metadata"]["resourceVersion"]
        query = f"watch=1&timeoutSeconds={WATCH_SECONDS}&allowWatchBookmarks=true&resourceVersion={version}"
        for event in _events(_get(connection, f"{KINDS[kind]}?{query}")):
            if event["type"] == "ERROR":
                raise EndedError(f"{kind}: {event['object'].get('message')}")
            if event["type"] != "BOOKMARK":
                copy.apply(kind, event["type"], event["object"])
    except http.client.HTTPException as error:
        raise EndedError(f"{kind}: {error!r}") from error
    finally:
        connection.close()


def _get(connection: http.client.HTTPSConnection, path: str) -> http.client.HTTPResponse:
    # The token is read for each request, because the kubelet renews it.
    token = (ACCOUNT / "token").read_text(encoding="utf-8")
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
    answer = connection.getresponse()
    if answer.status != http.client.OK:
        raise EndedError(f"{path}: {answer.status} {answer.read()[:200]!r}")
    return answer


def _events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    while line := answer.readline():
        yield json.loads(line)
