"""Every alert has series with which it fires, and series with which it does not."""

from components.monitoring.rules import alerts
from testbed.e2e.rehearsals.monitoring import promtool


def test_every_alert_has_a_case_and_every_case_an_alert() -> None:
    assert [alert.name for alert in alerts(promtool.EVERYTHING)] == list(promtool.cases())


def test_every_case_has_series_with_which_the_alert_is_silent() -> None:
    assert [name for name, case in promtool.cases().items() if not (case["silent"] and "fires" in case)] == []


def test_the_values_are_text_so_that_yaml_takes_none_for_a_number() -> None:
    for name, case in promtool.cases().items():
        for part in ("all", "fires", "silent"):
            assert all(isinstance(values, str) for _, values in case.get(part, ())), name
