"""The workspaces that exist: namespaces with the platform's label, copied from Kubernetes.

Replaces the plugin's cache, which makes requests wait while it has no list, and does not notice if the API server
hangs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mlflow_platform_server.watches import Object

PATH = "/api/v1/namespaces"
DESCRIPTION = "mlflow.kubeflow.org/workspace-description"
# Label of an archived team's namespace, and what its description then begins with. The pages look for the beginning.
ARCHIVED = "mlflow-platform/archived"
ARCHIVED_NOTE = "Archived: nothing can be changed or added."


@dataclass(frozen=True, kw_only=True, slots=True)
class Namespace:
    """A workspace's name and description, with the attributes that the plugin reads."""

    name: str
    description: str | None


class Namespaces:
    """Workspaces by name: `watches.Watch` updates them, and the plugin reads them as its cache of namespaces."""

    def __init__(self, unavailable: Callable[[], Exception]) -> None:
        """`unavailable` creates the error for requests that arrive before the first list."""
        self.ready = False
        """True once the workspaces are known."""
        self.excluded: Sequence[str] = ()
        """Patterns of the names of namespaces that are never workspaces."""
        self._unavailable = unavailable
        self._known: dict[str, Namespace] = {}

    def list_namespaces(self) -> list[Namespace]:
        """All workspaces."""
        return list(self._present().values())

    def get_namespace(self, name: str) -> Namespace | None:
        """The workspace of this name; None if there is none."""
        return self._present().get(name)

    def names(self) -> set[str]:
        """Names of all workspaces that are known."""
        return set(self._known)

    def replace(self, items: list[Object]) -> None:
        """Replace all namespaces with these."""
        found = [self._read(item) for item in items]
        self._publish({one.name: one for one in found if one is not None})

    def put(self, item: Object) -> None:
        """Add or replace a namespace."""
        if (one := self._read(item)) is not None:
            self._publish({**self._known, one.name: one})

    def remove(self, item: Object) -> None:
        """Remove a namespace."""
        self._publish({name: one for name, one in self._known.items() if name != item["metadata"]["name"]})

    def _publish(self, known: dict[str, Namespace]) -> None:
        # A new object each time, so that readers need no lock.
        self._known, self.ready = known, True

    def _present(self) -> dict[str, Namespace]:
        if not self.ready:
            raise self._unavailable()
        return self._known

    def _read(self, item: Object) -> Namespace | None:
        metadata = item["metadata"]
        name: str = metadata["name"]
        if any(fnmatchcase(name, pattern) for pattern in self.excluded):
            return None
        annotations: dict[str, str] = metadata.get("annotations") or {}
        labels: dict[str, str] = metadata.get("labels") or {}
        description = annotations.get(DESCRIPTION)
        if labels.get(ARCHIVED) == "true":
            description = f"{ARCHIVED_NOTE} {description or ''}".rstrip()
        return Namespace(name=name, description=description)
