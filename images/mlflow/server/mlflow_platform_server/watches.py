"""Keeps a copy of Kubernetes objects up to date: lists them, and watches what changes, in a thread of its own.

During an outage the copy stays as it was. The start does not wait for Kubernetes.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from mlflow_platform_server.kubernetes_api import AnswerError, KubernetesApi
from mlflow_platform_server.review_engine import OutageError

# Objects in one part of a list, so that no part takes long to parse.
PAGE = 500
LIST_SECONDS = 20
# A watch ends after this time, so that silence for longer means that Kubernetes hangs.
WATCH_SECONDS, SILENCE_SECONDS = 60, 70
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 8.0
# After a watch that lasted for so long, Kubernetes counts as healthy.
LASTING_SECONDS = 10

_logger = logging.getLogger(__name__)

Object = Mapping[str, Any]


class Copy(Protocol):
    """A copy of objects; used by one watch, read by any thread."""

    def replace(self, items: list[Object]) -> None:
        """Replace all objects with these."""
        ...

    def put(self, item: Object) -> None:
        """Add an object, or replace the one of the same name."""
        ...

    def remove(self, item: Object) -> None:
        """Remove an object."""
        ...


class Watch:
    """One kind of object: lists, watches, and tries again when the watch ends."""

    def __init__(
        self,
        api: KubernetesApi,
        path: str,
        copy: Copy,
        query: Mapping[str, str] | None = None,
        *,
        silence_seconds: float = SILENCE_SECONDS,
        wait: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wait` pauses between attempts."""
        self._api = api
        self._path = path
        self._copy = copy
        self._query = dict(query or {})
        self._silence_seconds = silence_seconds
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait
        self._clock = clock
        self._version: str | None = None

    def start(self) -> None:
        """Begin, in a thread."""
        threading.Thread(target=self.run, name=f"watch {self._path}", daemon=True).start()

    def stop(self) -> None:
        """End after the attempt that is under way."""
        self._stopped.set()

    def run(self) -> None:
        """Copy until `stop`."""
        # Attempts in a row that were over soon, with an error or without one.
        short, logged = 0, False
        while not self._stopped.is_set():
            error, lasted = self._attempt()
            if lasted:
                short, logged = 0, False
            if error is not None and not logged and getattr(error, "status", None) != HTTPStatus.GONE:
                logged = True
                self._log(error)
            if error is None and lasted:
                continue
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**short)
            short = min(short + 1, 10)
            self._wait(pause * (0.5 + random.random()))  # noqa: S311 - no secret

    def _attempt(self) -> tuple[Exception | None, bool]:
        """List if needed, and watch until the watch ends; returns the error that ended it, and whether it lasted."""
        began: float | None = None
        failure: Exception | None = None
        try:
            if self._version is None:
                self._version = self._list()
            began = self._clock()
            self._follow(self._version)
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread has to go on
            failure = error
            if not isinstance(error, OutageError):
                # The version is too old, or the stream makes no sense: from the beginning.
                self._version = None
        return failure, began is not None and self._clock() - began >= LASTING_SECONDS

    def _log(self, error: Exception) -> None:
        expected = isinstance(error, OutageError | AnswerError)
        message = "Changes of %s cannot be followed: %s The last known state counts until Kubernetes answers again."
        _logger.warning(message, self._path, error, exc_info=not expected)

    def _list(self) -> str:
        items = list[Object]()
        query = {**self._query, "limit": str(PAGE)}
        while True:
            answer = self._api.get(self._path, query, seconds=LIST_SECONDS)
            items += answer.get("items") or ()
            metadata = answer["metadata"]
            if not metadata.get("continue"):
                self._copy.replace(items)
                return metadata["resourceVersion"]
            query["continue"] = metadata["continue"]

    def _follow(self, version: str) -> None:
        seconds = random.randint(WATCH_SECONDS * 3 // 4, WATCH_SECONDS)  # noqa: S311 - no secret
        query = {
            **self._query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        for event in self._api.events(self._path, query, silence_seconds=self._silence_seconds):
            item = event["object"]
            if event["type"] == "ERROR":
                raise AnswerError(item.get("code", HTTPStatus.GONE), self._path)
            if event["type"] in {"ADDED", "MODIFIED"}:
                self._copy.put(item)
            elif event["type"] == "DELETED":
                self._copy.remove(item)
            self._version = item["metadata"]["resourceVersion"]
            if self._stopped.is_set():
                return
