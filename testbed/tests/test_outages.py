"""The table of outages: what is computed from the clients' calls, and the page."""

from typing import Any

import pytest

from testbed.e2e.commands import CHECKOUT
from testbed.outages import measure, page
from testbed.outages.faults import FAULTS
from testbed.outages.measure import Effect

START, END = 100.0, 200.0


def call(ended: float, *, kind: str = "run", acknowledged: bool = True) -> dict[str, Any]:
    return {"kind": kind, "started": ended - 0.1, "ended": ended, "acknowledged": acknowledged, "error": ""}


def steady(start: float, end: float, kind: str = "run") -> list[dict[str, Any]]:
    """A call a second."""
    return [call(start + second, kind=kind) for second in range(int(end - start))]


MEASURED = Effect(
    fault="server killed",
    text="the server is killed",
    without_reads=12,
    without_writes=13,
    calls=20,
    failed=1,
    lost=0,
)


def test_a_client_with_an_answer_every_second_noticed_no_outage() -> None:
    assert measure.outage(steady(90, 210), START, END) == 0


def test_an_outage_lasts_from_the_last_answer_before_it_to_the_first_after_it() -> None:
    calls = [*steady(90, 121), call(140, acknowledged=False), call(150.4), *steady(151, 201)]
    assert measure.outage(calls, START, END) == 30


def test_an_outage_begins_with_the_last_answer_before_the_fault() -> None:
    assert measure.outage([call(95), call(110, acknowledged=False), *steady(125, 201)], START, END) == 30


def test_an_outage_that_has_not_ended_lasts_until_the_end_of_the_period() -> None:
    assert measure.outage([*steady(90, 151), call(180, acknowledged=False)], START, END) == 50


def test_the_kind_of_call_that_waited_longest_counts() -> None:
    calls = [*steady(90, 210, "run"), *steady(90, 140, "artifact"), *steady(160, 210, "artifact")]
    assert measure.outage(calls, START, END) == 21


def test_a_failed_call_is_an_outage_however_short() -> None:
    calls = sorted([*steady(90, 210), call(150.5, acknowledged=False)], key=lambda one: one["ended"])
    assert measure.outage(calls, START, END) == 1


def test_rounds_count_from_the_last_failure_on() -> None:
    calls = [*steady(100, 105), call(105, acknowledged=False), call(106), call(107)]
    assert measure.whole_rounds(calls, ["run"], START) == 2


def test_rounds_need_every_kind_of_call() -> None:
    assert measure.whole_rounds(steady(100, 105), ["run", "artifact"], START) == 0


def test_failures_are_those_of_the_client_with_retries_and_losses_those_of_both_writers() -> None:
    asked = list[dict[str, Any]]()

    def lost(calls: list[dict[str, Any]]) -> int:
        asked.extend(calls)
        return 2

    found = measure.effect(
        fault="server killed",
        text="the server is killed",
        period=(START, END),
        reader=steady(90, 210),
        writer=[call(120), call(121, acknowledged=False), call(300)],
        patient=[call(99), call(130), call(131, acknowledged=False)],
        lost=lost,
    )
    assert (found.calls, found.failed, found.lost) == (2, 1, 2)
    assert [one["ended"] for one in asked] == [120, 130]


def test_the_table_has_a_line_for_each_fault() -> None:
    assert page.table([MEASURED]).splitlines()[2] == "| The server is killed | 12 | 13 | 1 of 20 | 0 |"


def test_only_the_table_of_the_page_is_renewed() -> None:
    old = f"# Outages\n\n{page.BEGIN}\n\nold\n\n{page.END}\n\nmore\n"
    new = page.renewed(old, [MEASURED], "Measured today.")
    assert "old" not in new
    assert new.startswith("# Outages\n")
    assert new.endswith(f"Measured today.\n\n{page.END}\n\nmore\n")
    assert page.renewed(new, [MEASURED], "Measured today.") == new


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the table"):
        page.renewed("# Outages\n", [], "")


def test_the_committed_page_has_a_line_for_each_fault_and_nothing_acknowledged_was_lost() -> None:
    text = (CHECKOUT / "docs" / "outages.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in text.partition(page.BEGIN)[2].partition(page.END)[0].splitlines()[4:]]
    measured = [row for row in rows if row]
    assert [row[0].strip().lower() for row in measured] == [fault.text.lower() for fault in FAULTS]
    assert {row[-1].strip() for row in measured} == {"0"}
