"""The table in docs/requirements.md agrees with the tests: every test that it names exists, every row has one."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "requirements.md"
LINE = re.compile(r"^\| ([A-Z][0-9.]+) \| (.+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
# Folders of the tests that run on a deployed platform.
DEPLOYED = ("testbed/e2e/acceptance/", "testbed/e2e/rehearsals/")
# Number of rows of each group.
GROUPS = {"C": 3, "S0.": 11, "S1.": 13, "S2.": 11, "S3.": 8, "S4.": 7, "P": 16, "N": 12}
# Rows, or parts of rows, that have no test on a running platform. This list may only become shorter.
MISSING = set[str]()
# Rows about the repository (C1, S1.13), or about what the embedded cluster lacks (ingress-nginx, a registry
# that demands a password): tests without a cluster show them.
WITHOUT_A_CLUSTER = {"C1", "S1.13", "S3.6", "P4"}

ROWS = {match[1]: match[3] for match in LINE.finditer(PAGE.read_text(encoding="utf-8"))}


def named_by(row: str) -> list[tuple[str, str]]:
    """File and name of each test that a row names."""
    return TEST.findall(ROWS[row])


@cache
def collected_from(file: str) -> frozenset[str]:
    """Names of the tests that pytest collects from a file: functions of the module whose name begins with `test_`."""
    path = ROOT / file
    body = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def test_every_row_is_there_once() -> None:
    listed = [match[1] for match in LINE.finditer(PAGE.read_text(encoding="utf-8"))]
    assert listed == [f"{group}{number}" for group, count in GROUPS.items() for number in range(1, count + 1)]


@pytest.mark.parametrize("row", ROWS)
def test_every_test_that_a_row_names_exists(row: str) -> None:
    assert [f"{file}::{name}" for file, name in named_by(row) if name not in collected_from(file)] == []


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_nothing_but_tests_and_what_is_missing(row: str) -> None:
    entries = ROWS[row].split("<br>")
    assert [entry for entry in entries if not TEST.fullmatch(entry) and not entry.startswith("not yet")] == []


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_a_test_on_a_running_platform_or_is_known_to_lack_one(row: str) -> None:
    files = [file for file, _ in named_by(row)]
    if row not in WITHOUT_A_CLUSTER | MISSING:
        assert any(file.startswith(DEPLOYED) for file in files)
    elif row in WITHOUT_A_CLUSTER:
        assert files
        assert not any(file.startswith(DEPLOYED) for file in files)


def test_what_is_missing_is_what_the_page_calls_not_yet() -> None:
    assert {row for row, shown in ROWS.items() if "not yet" in shown} == MISSING


def test_the_top_level_and_the_packages_are_those_of_the_list() -> None:
    names = ["Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "__main__.py", "components", "tests", "README.md"]
    assert [name for name in names if not (ROOT / name).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    equipment = tomllib.loads((ROOT / "testbed" / "pyproject.toml").read_text(encoding="utf-8"))
    listed = [
        *project["project"]["dependencies"],
        *(one for group in project["dependency-groups"].values() for one in group if isinstance(one, str)),
        *equipment["project"]["dependencies"],
    ]
    required = {re.split(r"[^\w-]", one)[0] for one in listed}
    wanted = {"pulumi", "pulumi-kubernetes", "pulumi-aws", "pulumi-random", "pydantic", "pytest", "moto"}
    assert wanted - required == set()
