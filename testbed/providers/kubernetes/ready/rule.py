"""What every rule has, and what it is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from testbed.providers.kubernetes.kinds import Kind, kind_of, name_of_object
from testbed.providers.values import Json, Object, objects, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MINUTE: Final = 60.0

REPLICA_SETS: Final = Kind("apps/v1", "ReplicaSet")
PODS: Final = Kind("v1", "Pod")
CLAIMS: Final = Kind("v1", "PersistentVolumeClaim")
SERVICES: Final = Kind("v1", "Service")
ENDPOINTS: Final = Kind("v1", "Endpoints")
STORAGE_CLASSES: Final = Kind("storage.k8s.io/v1", "StorageClass")


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look at the cluster showed."""

    live: Object | None
    """The object; nothing when it is gone."""

    around: Mapping[Kind, Sequence[Object]] = field(default_factory=dict[Kind, "Sequence[Object]"])
    """The objects of the kinds the rule asked for, from the same namespace."""

    def of(self, kind: Kind) -> Sequence[Object]:
        """Return the objects of one kind."""
        return self.around.get(kind, ())


class NeverReadyError(Exception):
    """Waiting longer has no use."""


class Rule(ABC):
    """Decides whether an object is ready, and if not, why."""

    looks_at: ClassVar[tuple[Kind, ...]] = ()
    """Kinds of other objects that the decision needs."""

    timeout: ClassVar[float] = 10 * MINUTE
    timeout_is_fixed: ClassVar[bool] = False
    """Whether neither `customTimeouts` nor the annotation can change it."""

    timer_restarts: ClassVar[bool] = False
    """Whether every change of the object or its pods starts the time again."""

    timeout_text: ClassVar[str] = "'{name}' timed out waiting to be Ready"

    def __init__(self, written: Object, previous: Object | None) -> None:
        """Take the object as the server answered, and as it was before an update."""
        self.written = written
        self.previous = previous
        self.name = name_of_object(written)
        self.progress = ""
        """What to show in the status column."""

    @abstractmethod
    def ready(self, sight: Sight, now: float) -> bool:
        """Judge what was seen at that time, in seconds of a clock that only goes forward."""

    def ready_on_read(self, sight: Sight) -> bool:
        """Judge without waiting for anything to settle."""
        return self.ready(sight, 0.0)

    def reasons(self) -> list[str]:
        """Say why the object was not ready at the last look."""
        return []


def owned(candidates: Sequence[Object], owner: Object | None) -> list[Object]:
    """Return the objects that name the owner in their owner references."""
    if owner is None:
        return []
    wanted = (kind_of(owner).api_version, kind_of(owner).name, name_of_object(owner))
    return [
        candidate
        for candidate in candidates
        if any(
            (text(ref, "apiVersion"), text(ref, "kind"), text(ref, "name")) == wanted
            for ref in objects(candidate, "metadata", "ownerReferences")
        )
    ]


def condition(obj: Json, name: str) -> Object | None:
    """Return a condition of the status by its type."""
    for entry in objects(obj, "status", "conditions"):
        if text(entry, "type") == name:
            return entry
    return None


def holds(obj: Json, name: str) -> bool:
    """Say whether a condition is `True`."""
    return text(condition(obj, name), "status") == "True"
