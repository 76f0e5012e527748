"""The alerts of a stack, and the runbook page with a section for each of them."""

import re
from dataclasses import replace
from typing import Any, cast

import pytest

from components.monitoring.alert import Watched
from components.monitoring.rules import alerts, rules
from components.monitoring.target import (
    DATABASE,
    DEX,
    FORWARD_AUTH,
    FORWARD_AUTH_HAPROXY,
    HAPROXY,
    LOGIN,
    STORE,
    TARGETS,
)
from tests.snippets import DOCS

EVERYTHING = Watched(
    namespace="mlflow",
    host="mlflow.example.com",
    teams=("team-b", "team-a"),
    replicas=2,
    targets=TARGETS,
    database_bytes=10 * 2**30,
)
# Database, store and identity provider of somebody else.
SMALL = replace(EVERYTHING, targets=(HAPROXY, LOGIN), database_bytes=None)
SECTION = re.compile(
    r"^### (\w+)\n\n\*(\w+), after (\d+) min\*\n(?:\n.+?(?=\n### |\n## |\Z))", re.MULTILINE | re.DOTALL
)


def sections() -> dict[str, re.Match[str]]:
    text = (DOCS / "alerts.md").read_text(encoding="utf-8")
    return {match[1]: match for match in SECTION.finditer(text)}


def names(watched: Watched) -> set[str]:
    return {alert.name for alert in alerts(watched)}


def expression(name: str, watched: Watched = EVERYTHING) -> str:
    (found,) = [alert.expression for alert in alerts(watched) if alert.name == name]
    return found


def test_every_alert_has_a_section_with_its_severity_and_time() -> None:
    shown = [(name, match[2], int(match[3])) for name, match in sections().items()]
    assert shown == [(alert.name, alert.severity, alert.minutes) for alert in alerts(EVERYTHING)]


@pytest.mark.parametrize("alert", alerts(EVERYTHING), ids=lambda alert: alert.name)
def test_the_page_names_the_metrics_that_an_alert_needs_from_the_cluster(alert: Any) -> None:  # noqa: ANN401 - an Alert
    text = " ".join(sections()[alert.name][0].split())
    assert ("Needs " in text) == bool(alert.needs)
    assert alert.needs.replace("mlflow_platform_backup_age_seconds", "`mlflow_platform_backup_age_seconds`") in text


def test_there_are_many_alerts_and_no_name_twice() -> None:
    found = [alert.name for alert in alerts(EVERYTHING)]
    assert len(found) == len(set(found)) >= 15


def test_every_expression_is_about_this_platform_only() -> None:
    for alert in alerts(EVERYTHING):
        for selector in re.findall(r"\{[^{}]*\}", alert.expression):
            assert re.search(
                r'namespace=~?"(mlflow|team-a\|team-b)"|mlflow\.example\.com|mlflow\\\\\.example', selector
            ), alert.name


def test_a_rule_names_severity_and_section() -> None:
    groups = cast("list[dict[str, Any]]", rules(EVERYTHING)["groups"])
    assert [group["name"] for group in groups] == [
        f"mlflow-{subject}" for subject in ("server", "login", "database", "artifacts", "backups", "cluster", "metrics")
    ]
    assert groups[0]["rules"][0] == {
        "alert": "MlflowServerDown",
        "expr": 'absent(up{namespace="mlflow",service="metrics-haproxy"} == 1)',
        "for": "2m",
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "No pod of the MLflow server is running.",
            "runbook": "docs/alerts.md#mlflowserverdown",
        },
    }


@pytest.mark.parametrize(
    ("target", "prefix"),
    [
        (DATABASE, "MlflowDatabase"),
        (STORE, "MlflowStore"),
        (DEX, "MlflowIdentityProvider"),
        (FORWARD_AUTH, "MlflowForwardAuth"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_the_stack_does_not_have_has_no_alerts(target: Any, prefix: str) -> None:  # noqa: ANN401 - a Target
    without = replace(EVERYTHING, targets=[one for one in TARGETS if one != target])
    gone = names(EVERYTHING) - names(without)
    assert gone
    assert gone == {name for name in names(EVERYTHING) if name.startswith(prefix)}
    assert f'"{target.service}"' not in str(rules(without))


def test_a_paused_server_is_not_missed() -> None:
    paused = replace(EVERYTHING, replicas=0)
    assert {"MlflowServerDown", "MlflowLoginDown", "MlflowErrors"} & names(paused) == set()
    missing = expression("MlflowMetricsMissing", paused)
    assert f'"{HAPROXY.service}"' not in missing
    assert STORE.service in missing


def test_the_number_of_replicas_is_that_of_the_stack() -> None:
    assert expression("MlflowReplicasMissing", replace(SMALL, replicas=5)).endswith("< 5")


def test_the_volume_of_the_database_is_that_of_the_stack() -> None:
    assert expression("MlflowDatabaseGrows").endswith(f"> {8 * 2**30}")


def test_with_forward_auth_its_connections_count_too() -> None:
    assert FORWARD_AUTH_HAPROXY.service in expression("MlflowConnectionsAlmostFull")
    assert FORWARD_AUTH_HAPROXY.service not in expression("MlflowConnectionsAlmostFull", SMALL)
