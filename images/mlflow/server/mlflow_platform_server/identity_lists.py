"""Reads the teams' lists of identities from ConfigMaps in the platform's namespace, every few seconds.

Each team has its own ConfigMap, so a new team changes no existing object and restarts no server. A volume would be
simpler, but the kubelet updates volumes up to a minute later.
"""

import logging
import threading
import time
from pathlib import Path

from mlflow_platform_server import known_identities
from mlflow_platform_server.kubernetes_api import KubernetesApi
from mlflow_platform_server.review_engine import OutageError

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
KEY = "identities.json"
INTERVAL_SECONDS = 2
# With thousands of teams a reading takes longer; at most a twentieth of the time is spent on it.
PAUSE_PER_SECOND = 20
TIMEOUT_SECONDS = 10

_logger = logging.getLogger(__name__)


def follow(selector: str, api: KubernetesApi) -> None:
    """Read the lists, which have the labels `selector`, again and again in a thread.

    The identities in a malformed list do not count; the list is logged. If a reading fails, the identities of the last
    successful one continue to count. Before the first successful reading no identity counts
    (`known_identities.are_known`).
    """
    reader = Reader(selector, api, NAMESPACE_FILE.read_text(encoding="utf-8").strip())
    threading.Thread(target=_keep_reading, args=(reader,), name="identities", daemon=True).start()


class Reader:
    """Reads all lists; logs a malformed one once, and again when the reason changes."""

    def __init__(self, selector: str, api: KubernetesApi, namespace: str) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._selector = selector
        self._faults: dict[str, str] = {}

    def read(self) -> None:
        """Read the lists; the identities in them replace those of the previous reading.

        Raises:
            OutageError: Kubernetes does not answer.
            AnswerError: Kubernetes refuses the request.
        """
        items = self._api.get(self._path, {"labelSelector": self._selector}, seconds=TIMEOUT_SECONDS)["items"]
        documents = {item["metadata"]["name"]: (item.get("data") or {}).get(KEY, "") for item in items}
        identities, faults = known_identities.combined(documents)
        known_identities.replace(identities)
        for name, reason in faults.items():
            if self._faults.get(name) != reason:
                message = (
                    "ConfigMap %s is malformed: %s. The identities in it do not count; run `up` to write it again."
                )
                _logger.error(message, name, reason.rstrip("."))
        self._faults = faults


def _keep_reading(reader: Reader) -> None:
    while True:
        start = time.monotonic()
        try:
            reader.read()
        except OutageError as error:
            _logger.warning("The lists of identities cannot be read; those of the last reading count. %s", error)
        except Exception:  # whatever it is, the thread has to go on
            _logger.exception("The lists of identities cannot be read; those of the last reading continue to count.")
        time.sleep(max(INTERVAL_SECONDS, PAUSE_PER_SECOND * (time.monotonic() - start)))
