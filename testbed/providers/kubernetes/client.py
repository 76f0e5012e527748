"""The REST API of one cluster, with plain objects.

The typed calls of the official client are not used: they drop fields they do not know. Warning
headers of the server are not read, as in the real provider.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from testbed.providers.kubernetes.api_errors import ApiError, ClusterError, NoMatchError
from testbed.providers.kubernetes.kinds import Kind, kind_of, name_of_object, namespace_of
from testbed.providers.values import objects, text

if TYPE_CHECKING:
    from testbed.providers.kubernetes.connection import Connection
    from testbed.providers.values import Json, Object

CREATOR: Final = "pulumi-kubernetes"
"""Field manager of every create."""

_APPLY: Final = "application/apply-patch+yaml"
_JSON_PATCH: Final = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class _Resource:
    """Where the objects of a kind are."""

    base: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Return the path of an object, or of all of them."""
        inside = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        return f"{self.base}{inside}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


class Cluster:
    """One API server, and the kinds it has; a kind it did not have is asked for again."""

    def __init__(self, connection: Connection) -> None:
        """Use a connection."""
        self._connection = connection
        self._resources: dict[Kind, _Resource] = {}
        self._asking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def probe(self) -> None:
        """Fail if the server cannot be reached or does not know us."""
        self._connection.request("GET", "/api/v1")

    def knows(self, kind: Kind) -> bool:
        """Say whether the server has the kind; a server that does not answer has none."""
        try:
            self._resource(kind)
        except ClusterError:
            return False
        return True

    def namespaced(self, kind: Kind) -> bool:
        """Say whether objects of the kind are in a namespace; unknown kinds are taken to be."""
        try:
            return self._resource(kind).namespaced
        except ClusterError:
            return kind.probably_namespaced

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Return an object."""
        return self._connection.request("GET", self._resource(kind).path(namespace, name))

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object, or nothing if it, or its kind, does not exist."""
        try:
            return self.get(kind, namespace, name)
        except NoMatchError:
            return None
        except ApiError as error:
            if error.not_found:
                return None
            raise

    def list(self, kind: Kind, namespace: str, **query: str) -> list[Object]:
        """Return the objects of a kind in a namespace."""
        path = self._resource(kind).path(namespace)
        answer = self._connection.request("GET", path, query=query)
        # Items of a list do not say what they are.
        version: Object = {"apiVersion": kind.api_version, "kind": kind.name}
        return [{**version, **item} for item in objects(answer, "items")]

    def create(self, obj: Object, *, dry_run: bool = False) -> Object:
        """POST an object; one of that name must not exist."""
        path = self._resource(kind_of(obj)).path(namespace_of(obj))
        query = _options(CREATOR, dry_run=dry_run)
        return self._connection.request("POST", path, obj, query=query)

    def apply(self, obj: Object, manager: str, *, force: bool, dry_run: bool = False) -> Object:
        """Server-side apply an object as a field manager."""
        query = {**_options(manager, dry_run=dry_run), "force": "true" if force else "false"}
        return self._connection.request("PATCH", self._path_of(obj), obj, query=query, content=_APPLY)

    def replace(self, obj: Object, manager: str, *, dry_run: bool = False) -> Object:
        """PUT an object."""
        query = _options(manager, dry_run=dry_run)
        return self._connection.request("PUT", self._path_of(obj), obj, query=query)

    def patch(self, obj: Object, operations: list[Json]) -> Object:
        """JSON-patch the object that this is a copy of."""
        path = self._path_of(obj)
        return self._connection.request("PATCH", path, operations, content=_JSON_PATCH)

    def delete(self, kind: Kind, namespace: str, name: str, propagation: str) -> None:
        """Ask for the end of an object; finalizers may make it live on."""
        body: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        self._connection.request("DELETE", self._resource(kind).path(namespace, name), body)

    def _path_of(self, obj: Object) -> str:
        return self._resource(kind_of(obj)).path(namespace_of(obj), name_of_object(obj))

    def _resource(self, kind: Kind) -> _Resource:
        if kind not in self._resources:
            with self._asking[kind.api_version]:
                if kind not in self._resources:
                    self._ask_for_kinds(kind.api_version)
        try:
            return self._resources[kind]
        except KeyError:
            raise NoMatchError(kind) from None

    def _ask_for_kinds(self, api_version: str) -> None:
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            answer = self._connection.request("GET", base)
        except ApiError as error:
            if error.not_found:
                return
            raise
        for entry in objects(answer, "resources"):
            plural = text(entry, "name")
            if "/" not in plural:
                kind = Kind(api_version, text(entry, "kind"))
                self._resources[kind] = _Resource(base, plural, entry.get("namespaced") is True)


def _options(manager: str, *, dry_run: bool) -> dict[str, str]:
    return {"fieldManager": manager, **({"dryRun": "All"} if dry_run else {})}
