"""Addresses of pods that are about to start, sent by the CNI plugin before the API server knows them.

The plugin sends one line, `NAMESPACE NAME ADDRESS`, and waits for the answer: the pod's containers start once its
policies are loaded.
"""

import logging
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .pods import Pod

# A pod that the API server does not report within this time starts anyway, but has no network access until it is known.
PATIENCE_SECONDS = 4.0
LINE_BYTES = 1024

log = logging.getLogger("network-policies")


@dataclass
class Announcements:
    """The pods that the CNI plugin has announced, and the pods in the loaded ruleset."""

    changed: threading.Event
    """Set by every announcement."""

    _news: threading.Condition = field(default_factory=threading.Condition)
    _announced: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _loaded: frozenset[tuple[str, str, str]] | None = None

    def current(self) -> dict[tuple[str, str], str]:
        """Return the announced addresses, by namespace and name of the pod."""
        with self._news:
            return dict(self._announced)

    def forget(self, reported: Mapping[tuple[str, str], str | None]) -> None:
        """Drop announcements that the API server has confirmed.

        Args:
            reported: address of every pod in the API server, by namespace and name; None if the pod has none yet.
        """
        with self._news:
            for key, address in list(self._announced.items()):
                if reported.get(key) == address:
                    del self._announced[key]

    def loaded(self, pods: list[Pod]) -> None:
        """Record the pods in the loaded ruleset, and notify all waiting threads."""
        with self._news:
            self._loaded = frozenset((pod.namespace, pod.name, pod.address) for pod in pods)
            self._news.notify_all()

    def wait_for_first_rules(self) -> None:
        """Wait until the first ruleset has been loaded."""
        with self._news:
            self._news.wait_for(lambda: self._loaded is not None)

    def announce(self, namespace: str, name: str, address: str) -> bool:
        """Add an announcement and wait until the loaded ruleset contains the pod; returns False after a timeout."""
        with self._news:
            # An address belongs to one pod: the pod that had it before has released it.
            self._announced = {key: known for key, known in self._announced.items() if known != address}
            self._announced[namespace, name] = address
            self.changed.set()
            return self._news.wait_for(lambda: (namespace, name, address) in (self._loaded or ()), PATIENCE_SECONDS)


def serve(path: Path, announcements: Announcements) -> None:
    """Answer the CNI plugin; never returns. The socket appears only after the first rules have been loaded."""
    announcements.wait_for_first_rules()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, announcements), daemon=True).start()


def _answer(connection: socket.socket, announcements: Announcements) -> None:
    with connection:
        connection.settimeout(PATIENCE_SECONDS)
        try:
            line = connection.makefile("r", encoding="utf-8").readline(LINE_BYTES)
            namespace, name, address = line.split()
            known = announcements.announce(namespace, name, address)
            connection.sendall(b"loaded\n" if known else b"not yet\n")
        except (OSError, ValueError) as error:
            log.warning("invalid announcement: %s", error)
