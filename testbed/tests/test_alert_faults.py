"""The faults that the rehearsal `monitoring` makes, and their table in docs/alerts.md."""

import threading

import pytest

from components.monitoring.rules import alerts
from testbed.e2e.commands import CHECKOUT
from testbed.e2e.rehearsals.monitoring import promtool
from testbed.e2e.rehearsals.monitoring.faults import FAULTS, repeated

FIRED = [alert for cause in FAULTS for alert in cause.alerts]


def test_more_than_fifteen_alerts_fire_by_a_fault_and_none_by_two() -> None:
    assert len(FIRED) == len(set(FIRED)) > 15
    assert set(FIRED) <= {alert.name for alert in alerts(promtool.EVERYTHING)}


def test_the_page_has_every_fault_with_its_alerts() -> None:
    rows = [f"| {cause.what} | {', '.join(f'`{alert}`' for alert in cause.alerts)} |" for cause in FAULTS]
    page = (CHECKOUT / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert "\n".join(("| fault | alerts |", "|---|---|", *rows, "")) in page


def test_what_is_repeated_ends_with_the_fault() -> None:
    before, done = threading.active_count(), threading.Semaphore(0)
    with repeated(done.release, threads=2, pause=0.01):
        for _ in range(3):
            done.acquire()
    assert threading.active_count() == before


def test_what_goes_wrong_while_it_is_repeated_is_raised() -> None:
    def refused() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError), repeated(refused, threads=2, pause=0):
        pass
