"""An index of RoleBindings and ClusterRoleBindings: the namespaces in which a caller may have a right at all.

The index only limits the number of access reviews. It ignores what a binding's role allows, so a review has to confirm
each namespace.
"""

import threading
from collections.abc import Iterable
from typing import Any

from mlflow_platform_server.reviews import Identity
from mlflow_platform_server.watches import Object

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS = f"{_RBAC}/rolebindings", f"{_RBAC}/clusterrolebindings"
EVERYWHERE = ""
# Roles that Kubernetes itself binds to everybody who is signed in, and that have nothing to do with MLflow.
EVERYBODYS_ROLES = frozenset({"system:basic-user", "system:discovery", "system:public-info-viewer"})


class BindingIndex:
    """Bindings by subject, which `watches.Watch` updates."""

    def __init__(self) -> None:
        self.ready = False
        """True once the bindings are known."""
        self._lock = threading.Lock()
        # Subjects by binding; and by subject, how many bindings of each namespace it has.
        self._subjects: dict[tuple[str, str], frozenset[str]] = {}
        self._namespaces: dict[str, dict[str, int]] = {}

    def namespaces(self, identity: Identity) -> set[str]:
        """Namespaces with a binding that an identity matches; `EVERYWHERE` stands for a ClusterRoleBinding."""
        with self._lock:
            return {namespace for name in _names(identity) for namespace in self._namespaces.get(name, {})}

    def replace(self, items: list[Object]) -> None:
        """Replace all bindings with these."""
        fresh = BindingIndex()
        for item in items:
            fresh.put(item)
        with self._lock:
            self._subjects, self._namespaces = fresh._subjects, fresh._namespaces
            self.ready = True

    def put(self, item: Object) -> None:
        """Add a binding, or replace the one of the same name."""
        key, found = _key(item), subjects(item)
        with self._lock:
            self._drop(key)
            if found:
                self._subjects[key] = found
            for subject in found:
                counts = self._namespaces.setdefault(subject, {})
                counts[key[0]] = counts.get(key[0], 0) + 1

    def remove(self, item: Object) -> None:
        """Remove a binding."""
        with self._lock:
            self._drop(_key(item))

    def _drop(self, key: tuple[str, str]) -> None:
        for subject in self._subjects.pop(key, ()):
            counts = self._namespaces[subject]
            counts[key[0]] -= 1
            if not counts[key[0]]:
                del counts[key[0]]
            if not counts:
                del self._namespaces[subject]


def subjects(binding: Object) -> frozenset[str]:
    """Users and groups that a binding is about, each with a letter for its kind; as Kubernetes' RBAC reads them."""
    if not _namespace(binding) and (binding.get("roleRef") or {}).get("name") in EVERYBODYS_ROLES:
        return frozenset()
    found = set[str]()
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name", "")
        if kind == "User":
            found.add(f"u{name}")
        elif kind == "Group":
            found.add(f"g{name}")
        elif kind == "ServiceAccount" and (namespace := subject.get("namespace") or _namespace(binding)):
            found.add(f"usystem:serviceaccount:{namespace}:{name}")
    return frozenset(found)


def _names(identity: Identity) -> Iterable[str]:
    yield f"u{identity.user}"
    for group in identity.groups:
        yield f"g{group}"


def _namespace(binding: Object) -> str:
    return _metadata(binding).get("namespace") or EVERYWHERE


def _key(binding: Object) -> tuple[str, str]:
    return _namespace(binding), _metadata(binding)["name"]


def _metadata(binding: Object) -> dict[str, Any]:
    return binding["metadata"]
