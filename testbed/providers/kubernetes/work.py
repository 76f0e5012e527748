"""What every operation on an object needs at hand."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.checkpoint import FIELD_MANAGER
from testbed.providers.kubernetes.client import CREATOR
from testbed.providers.kubernetes.kinds import annotation, object_id
from testbed.providers.values import text

if TYPE_CHECKING:
    from testbed.providers.engine import Engine
    from testbed.providers.kubernetes.client import Cluster
    from testbed.providers.kubernetes.settings import Settings
    from testbed.providers.values import Object

_SUFFIX_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Work:
    """One operation: where it happens, for which resource, and how it can be ended."""

    urn: str
    cluster: Cluster
    settings: Settings
    engine: Engine
    cancelled: threading.Event

    def status(self, message: str) -> None:
        """Show a message in the resource's status column."""
        self.engine.status(self.urn, message)


def field_manager(state: Object, inputs: Object) -> str:
    """Return the name under which the object is changed: its own, for as long as it lives."""
    return (
        annotation(inputs, "patchFieldManager")
        or text(state, FIELD_MANAGER)
        or f"{CREATOR}-{secrets.token_hex(_SUFFIX_BYTES)}"
    )


def timeout_of(requested: float, inputs: Object) -> float | None:
    """Return how long the program allows: by option, by annotation, or nothing said."""
    if requested:
        return requested
    try:
        return float(int(annotation(inputs, "timeoutSeconds")))
    except ValueError:
        return None


def quoted_id(obj: Object) -> str:
    """Return the id as messages quote it."""
    return f'"{object_id(obj)}"'
