"""Combinations of settings that are mistakes; the tables are in the modules `wrong_*` beside this one."""

import importlib
from pathlib import Path

import pytest

from tests.settings.cases import Case, check
from tests.settings.remedies import ways, with_way
from tests.settings.stack_files import Complaints, Document, changed, validated

TABLES: dict[str, dict[str, Case]] = {
    path.stem: importlib.import_module(f"tests.settings.{path.stem}").CASES
    for path in sorted(Path(__file__).parent.glob("wrong_*.py"))
}
CASES = {f"{table[len('wrong_') :]}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}
# Wrong values of settings that sums and remedies read.
WRONG: dict[str, object] = {
    "server/bounds": {"filterClauses": 0},
    "server/replicas": "x",
    "server/workers": "x",
    "server/memoryLimit": "x",
    "server/autoscaling": "x",
    "database/memoryLimit": "x",
    "database/instanceClass": "x",
    "database/maxConnections": "x",
    "cluster/capacity": "x",
    "workspaces": {"limits": "x"},
    "teams/team-a": "x",
}
CROWDED = {"database/maxConnections": 20, "server/workers": 8, "server/replicas": 2}


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


@pytest.mark.parametrize(
    ("base", "changes"),
    [("dev", CROWDED), *((case.base, case.changes) for case in CASES.values())],
    ids=["crowded", *CASES],
)
def test_beside_a_wrong_value_each_mistake_has_a_problem_and_a_remedy(base: str, changes: Document) -> None:
    document = changed(base, changes)
    for path, wrong in WRONG.items():
        for fault in validated(with_way(document, {path: wrong})).mistakes:
            assert fault.problem, (path, fault)
            assert fault.remedy, (path, fault)
