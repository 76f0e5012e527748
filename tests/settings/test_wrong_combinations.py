"""Combinations of production settings that are refused: the tables are in the modules `wrong_*` beside this one."""

import importlib
from pathlib import Path

import pytest

from tests.settings.cases import Case, check
from tests.settings.stack_files import Complaints

TABLES: dict[str, dict[str, Case]] = {
    path.stem: importlib.import_module(f"tests.settings.{path.stem}").CASES
    for path in sorted(Path(__file__).parent.glob("wrong_*.py"))
}
CASES = {f"{table[len('wrong_') :]}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_wrong_combination_is_refused_with_the_sum_or_the_reason(case: Case, complaints: Complaints) -> None:
    check(case, complaints)
