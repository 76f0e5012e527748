"""The cases of `alert_cases.yaml` as tests for promtool: each alert fires in one test, and stays silent in another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from components.monitoring.alert import Watched, group
from components.monitoring.rules import alerts
from components.monitoring.target import TARGETS

PREFIX = "test-"
MINUTES = 60
# A stack that has every target, so that it has every alert.
EVERYTHING = Watched(
    namespace="mlflow",
    host="mlflow.example.com",
    teams=("team-a", "team-b"),
    replicas=2,
    targets=TARGETS,
    database_bytes=10 * 2**30,
)

Case = dict[str, Any]


def cases() -> dict[str, Case]:
    """The cases by name of the alert."""
    text = Path(__file__).with_name("alert_cases.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Case]", yaml.safe_load(text))


def files() -> dict[str, str]:
    """Files for promtool by name: for each alert its rule, and its tests in a file that begins with `PREFIX`."""
    found, known = dict[str, str](), cases()
    for alert in alerts(EVERYTHING):
        rules = f"{alert.name}.yaml"
        found[rules] = _yaml({"groups": [group(EVERYTHING, "test", [alert])]})
        found[f"{PREFIX}{alert.name}.yaml"] = _yaml(
            {"rule_files": [rules], "evaluation_interval": "1m", "tests": list(_tests(alert.name, known[alert.name]))}
        )
    return found


def _yaml(document: object) -> str:
    return yaml.safe_dump(document, width=10_000)


def _tests(name: str, case: Case) -> Iterator[dict[str, object]]:
    for expected in ("fires", "silent"):
        yield {
            "name": f"{name} {expected}",
            "interval": "1m",
            "input_series": [
                {"series": series, "values": str(values)} for series, values in (*case.get("all", ()), *case[expected])
            ],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) > bool 0',
                    "eval_time": f"{case.get('at', MINUTES)}m",
                    "exp_samples": [{"labels": "{}", "value": 1}] if expected == "fires" else [],
                }
            ],
        }
