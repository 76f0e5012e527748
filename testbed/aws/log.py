"""Log of requested actions, with the caller and the verdict."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One requested action on one resource."""

    caller: str
    """ARN of the user or session, or of the identity provider that issued the caller's token; else `anonymous`."""

    action: str
    resource: str
    verdict: str
    secure: bool


class ActionLog:
    """The actions since the log was last cleared."""

    def __init__(self) -> None:
        """Start with an empty log."""
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Append an action."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Empty the log."""
        with self._lock:
            self._entries.clear()

    def plain(self) -> list[dict[str, object]]:
        """Return the log, ready for JSON."""
        with self._lock:
            return [asdict(entry) for entry in self._entries]
