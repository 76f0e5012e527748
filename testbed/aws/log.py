"""Who asked for what, and what became of it."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One action on one resource."""

    caller: str
    """ARN of the user or the session; `anonymous`; the identity provider of a web identity."""

    action: str
    resource: str
    verdict: str
    secure: bool


class ActionLog:
    """The actions asked for since the last look."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Remember an action."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def plain(self) -> list[dict[str, object]]:
        """Return all of it, ready for JSON."""
        with self._lock:
            return [asdict(entry) for entry in self._entries]
