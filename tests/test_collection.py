import ast
from pathlib import Path
from typing import cast

import pytest

TESTS = Path(__file__).parent
# Drives a running cluster; `make e2e` collects it.
END_TO_END = TESTS / "e2e"


def has_tests(path: Path) -> bool:
    """Whether a file defines something that is written as a test."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in nodes)


def test_every_file_with_tests_is_collected(request: pytest.FixtureRequest) -> None:
    options = request.config.option
    asked_for = [Path(argument.partition("::")[0]).resolve() for argument in request.config.args]
    if TESTS not in asked_for or options.keyword or options.markexpr:
        pytest.skip("only a part of the tests was asked for")
    ignored = [Path(path).resolve() for path in cast("list[str] | None", options.ignore) or []]
    written = {
        path
        for path in TESTS.rglob("*.py")
        if not any(path.is_relative_to(folder) for folder in (END_TO_END, *ignored)) and has_tests(path)
    }
    collected = {item.path for item in request.session.items}
    assert written - collected == set()


def test_every_test_file_has_a_name_that_is_collected() -> None:
    misnamed = [path for path in TESTS.rglob("*.py") if has_tests(path) and not path.name.startswith("test_")]
    assert misnamed == []
