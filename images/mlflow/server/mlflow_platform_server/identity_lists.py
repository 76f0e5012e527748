"""Reads the teams' lists of identities from ConfigMaps in the platform's namespace, every few seconds.

Each team has a ConfigMap of its own, so a new team changes nothing that exists and restarts no server. A volume would
be simpler, but the kubelet updates it a minute later.
"""

import json
import logging
import threading
import time
from pathlib import Path

from kubernetes import client
from mlflow_kubernetes_plugins.auth import authorizer

from mlflow_platform_server import known_identities

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
KEY = "identities.json"
INTERVAL_SECONDS = 2
# With thousands of teams a reading takes longer; at most a twentieth of the time is spent on it.
PAUSE_PER_SECOND = 20
TIMEOUT_SECONDS = 10

_logger = logging.getLogger(__name__)


def follow(selector: str) -> None:
    """Read the lists, which have the labels `selector`, and keep reading them in a thread.

    The identities in a malformed list do not count; the list is logged. If a later reading fails, the identities of
    the last successful reading continue to count.

    Raises:
        kubernetes.client.ApiException: the API server refuses the first reading.
    """
    reader = _Reader(selector)
    reader.read()
    threading.Thread(target=_keep_reading, args=(reader,), name="identities", daemon=True).start()


class _Reader:
    """Reads all lists; logs a malformed one once, and again when the reason changes."""

    def __init__(self, selector: str) -> None:
        self._api = client.CoreV1Api(authorizer._create_api_client_for_subject_access_reviews())
        self._namespace = NAMESPACE_FILE.read_text(encoding="utf-8").strip()
        self._selector = selector
        self._faults: dict[str, str] = {}

    def read(self) -> None:
        """Read the lists; the identities in them replace those of the reading before."""
        answer = self._api.list_namespaced_config_map(
            self._namespace,
            label_selector=self._selector,
            # The client's own objects take ten times as long to make as JSON takes to parse.
            _preload_content=False,
            _request_timeout=TIMEOUT_SECONDS,
        )
        items = json.loads(answer.data)["items"]
        documents = {item["metadata"]["name"]: (item.get("data") or {}).get(KEY, "") for item in items}
        identities, faults = known_identities.combined(documents)
        known_identities.replace(identities)
        for name, reason in faults.items():
            if self._faults.get(name) != reason:
                _logger.error("ConfigMap %s is malformed, so the identities in it do not count: %s", name, reason)
        self._faults = faults


def _keep_reading(reader: _Reader) -> None:
    pause: float = INTERVAL_SECONDS
    while True:
        time.sleep(pause)
        start = time.monotonic()
        try:
            reader.read()
        except Exception:  # whatever it is, the thread has to go on
            _logger.exception("The lists of identities cannot be read; those of the last reading continue to count.")
        pause = max(INTERVAL_SECONDS, PAUSE_PER_SECOND * (time.monotonic() - start))
