"""Combinations of settings that are mistakes; the tables are in the modules `wrong_*` beside this one."""

import importlib
from pathlib import Path

import pytest

from tests.settings.cases import Case, check
from tests.settings.remedies import ways, with_way
from tests.settings.stack_files import Complaints, changed, validated

TABLES: dict[str, dict[str, Case]] = {
    path.stem: importlib.import_module(f"tests.settings.{path.stem}").CASES
    for path in sorted(Path(__file__).parent.glob("wrong_*.py"))
}
CASES = {f"{table[len('wrong_') :]}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_wrong_combination_is_reported_with_the_sum_or_the_reason(case: Case, complaints: Complaints) -> None:
    check(case, complaints)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_remedy_that_is_offered_works(case: Case) -> None:
    document = changed(case.base, case.changes)
    faults = validated(document).mistakes
    for fault in faults:
        for way in ways(fault):
            left = validated(with_way(document, way)).mistakes
            assert len(left) < len(faults), (way, left)
            assert fault.path not in {one.path for one in left}
