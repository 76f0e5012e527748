"""Reads the teams' lists of identities from ConfigMaps in the platform's namespace, every few seconds.

Each team has one, so a new team changes nothing that exists and restarts no server. A volume would be simpler, but the
kubelet updates it a minute later.
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

    If a later reading fails, the identities of the last one continue to count.

    Raises:
        kubernetes.client.ApiException: the API server refuses the first reading.
        ValueError: a list is not as expected.
    """
    api = client.CoreV1Api(authorizer._create_api_client_for_subject_access_reviews())
    namespace = NAMESPACE_FILE.read_text(encoding="utf-8").strip()
    known_identities.replace(_read(api, namespace, selector))
    threading.Thread(target=_keep_reading, args=(api, namespace, selector), name="identities", daemon=True).start()


def _read(api: client.CoreV1Api, namespace: str, selector: str) -> known_identities.KnownIdentities:
    answer = api.list_namespaced_config_map(
        namespace,
        label_selector=selector,
        # The client's own objects take ten times as long to make as JSON takes to parse.
        _preload_content=False,
        _request_timeout=TIMEOUT_SECONDS,
    )
    items = json.loads(answer.data)["items"]
    return known_identities.combined([item.get("data", {}).get(KEY, "{}") for item in items])


def _keep_reading(api: client.CoreV1Api, namespace: str, selector: str) -> None:
    pause: float = INTERVAL_SECONDS
    while True:
        time.sleep(pause)
        start = time.monotonic()
        try:
            known_identities.replace(_read(api, namespace, selector))
        except Exception:  # whatever it is, the thread has to go on
            _logger.exception("The lists of identities cannot be read; those of the last reading continue to count.")
        pause = max(INTERVAL_SECONDS, PAUSE_PER_SECOND * (time.monotonic() - start))
