"""Each line of docs/versions.md names a test that exists."""

import ast
import re

import pytest

from tests import versions_page

LINES = [line for line in versions_page.page().splitlines() if line.startswith("| ") and "::" in line]


def test_the_page_has_the_products_that_a_reader_looks_for() -> None:
    text = "\n".join(LINES)
    wanted = ("MLflow, server", "MLflow, client", "Python", "Kubernetes", "PostgreSQL", "OAuth2-Proxy", "Pulumi")
    assert [name for name in wanted if name not in text] == []


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split(" | ")[0].strip("| "))
def test_every_test_that_the_page_names_exists(line: str) -> None:
    ((file, name),) = re.findall(r"`(testbed/e2e/[\w/]+\.py)::(test_\w+)`", line)
    tree = ast.parse((versions_page.ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_a_version_that_is_pinned_twice_or_nowhere_is_an_error() -> None:
    for pattern in (r"^mlfow==(.+)", r"^#(.*)"):
        with pytest.raises(ValueError, match="expected one"):
            versions_page.pinned("images/mlflow/requirements.in", pattern)
