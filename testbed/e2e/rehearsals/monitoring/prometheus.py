"""A Prometheus and an Alertmanager in the embedded cluster, configured as docs/monitoring.md says."""

import json
import re
import time
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from testbed.e2e import kube
from testbed.e2e.commands import CHECKOUT, run, wait_for
from testbed.e2e.rehearsals.monitoring import promtool

FOLDER = Path(__file__).parent
PAGE = CHECKOUT / "docs" / "monitoring.md"
NAMESPACE = "monitoring"
KINDS = ("servicemonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com")
# Seconds between two scrapes, and between two evaluations of the rules.
STEP = 2
START_SECONDS = 120
# The rules of the tests fire after as many seconds as they have minutes, and look back for 20 s. A long transaction is
# one of 5 s.
SHORTER = (
    (re.compile(r"\[\d+m\]"), "[20s]"),
    (re.compile(r"(pg_stat_activity_max_tx_duration\{[^}]*\}\)) > 600"), r"\1 > 5"),
)

SELECTOR = re.compile(r"\w+\{[^{}]*\}")
# Metrics that the cluster has or has not.
OF_THE_CLUSTER = re.compile(r"kube|probe_|certmanager_|traefik_|mlflow_platform_")
# Labels of which a platform without faults has other values.
OF_FAULTS = re.compile(r'(code|wait_event_type)=~?"(?!5xx)[^"]*"')


def blocks(language: str) -> list[str]:
    """Code blocks of docs/monitoring.md in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def shortened(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Rules of a stack, with shorter times."""
    groups = [{**group, "rules": [_shortened(rule) for rule in group["rules"]]} for group in rules["groups"]]
    return {"groups": groups}


def _shortened(rule: Mapping[str, Any]) -> dict[str, Any]:
    expression = rule["expr"]
    for pattern, replacement in SHORTER:
        expression = pattern.sub(replacement, expression)
    return {**rule, "expr": expression, "for": rule["for"].replace("m", "s")}


def configuration() -> str:
    """The configuration of docs/monitoring.md for Prometheus, with an Alertmanager, the rules, and shorter times."""
    (documented,) = [block for block in blocks("yaml") if "scrape_configs" in block]
    return yaml.safe_dump(
        {
            **yaml.safe_load(documented),
            "global": {"scrape_interval": f"{STEP}s", "scrape_timeout": f"{STEP}s", "evaluation_interval": f"{STEP}s"},
            "rule_files": ["/etc/prometheus/rules.yaml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]},
        }
    )


def start(rules: Mapping[str, Any], server_image: str) -> None:
    """Run Prometheus with these rules, Alertmanager and the receiver."""
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    _apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": label}})
    shown = yaml.safe_dump(shortened(rules), width=10_000)
    _config_map("prometheus", {"prometheus.yml": configuration(), "rules.yaml": shown})
    _config_map("promtool", promtool.files())
    _config_map("receiver", {"receiver.py": (FOLDER / "receiver.py").read_text(encoding="utf-8")})
    (rights,) = [block for block in blocks("sh") if "kubectl create role " in block]
    run("bash", "-euo", "pipefail", "-c", rights)
    objects = (FOLDER / "objects.yaml").read_text(encoding="utf-8").replace("SERVER_IMAGE", server_image)
    kube.kubectl("apply", "--filename=-", stdin=objects)
    kube.wait_for_pods(NAMESPACE, seconds=START_SECONDS)


def remove() -> None:
    """Remove Prometheus and the CustomResourceDefinitions of its operator, also those that a killed run has left."""
    kube.kubectl("delete", "customresourcedefinition", *KINDS, "--ignore-not-found")
    kube.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", seconds=120)
    kube.kubectl("delete", "role,rolebinding", "prometheus", "--namespace=mlflow", "--ignore-not-found")


def query(expression: str) -> list[dict[str, Any]]:
    """Result of an instant query: metric and value of each series."""
    path = f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    found = kube.kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/prometheus:9090/proxy{path}")
    return json.loads(found.stdout)["data"]["result"]


def selectors(rules: Mapping[str, Any]) -> set[str]:
    """Selectors of the platform's series in the rules; those that match faults only are widened to match all values."""
    found = {one for group in rules["groups"] for rule in group["rules"] for one in SELECTOR.findall(rule["expr"])}
    return {OF_FAULTS.sub(r'\1!=""', one) for one in found if not OF_THE_CLUSTER.match(one)}


def notifications() -> list[tuple[str, str]]:
    """Name and state of each alert that Alertmanager has sent, in order."""
    lines = kube.kubectl("logs", "receiver", f"--namespace={NAMESPACE}").stdout.splitlines()
    return [(name, state) for name, state in map(json.loads, lines)]


def wait_until_fired(names: Collection[str], *, after: int, seconds: float) -> dict[str, float]:
    """Wait until Alertmanager has reported each alert as firing; returns the seconds until each report was seen.

    The first `after` notifications do not count.
    """
    return _wait_for(names, "fired", lambda states: "firing" in states, after=after, seconds=seconds)


def wait_until_resolved(names: Collection[str], *, after: int, seconds: float) -> dict[str, float]:
    """Wait until Alertmanager's last notification of each alert says that the alert is resolved.

    `after` and the result are as in `wait_until_fired`.
    """
    return _wait_for(names, "resolved", lambda states: states[-1:] == ["resolved"], after=after, seconds=seconds)


def _wait_for(
    names: Collection[str], what: str, holds: Callable[[list[str]], bool], *, after: int, seconds: float
) -> dict[str, float]:
    start, seen = time.monotonic(), dict[str, float]()

    def all_seen() -> bool:
        sent = notifications()[after:]
        for name in names:
            if name not in seen and holds([state for alert, state in sent if alert == name]):
                seen[name] = time.monotonic() - start
        return len(seen) == len(names)

    wait_for(f"all {what} of {', '.join(names)}", all_seen, seconds=seconds)
    return seen


def _config_map(name: str, data: Mapping[str, str]) -> None:
    metadata = {"name": name, "namespace": NAMESPACE}
    _apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _apply(document: object) -> None:
    kube.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(document))
