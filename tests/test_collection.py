import ast
from pathlib import Path

TESTS = Path(__file__).parent


def has_tests(path: Path) -> bool:
    """Whether a file defines something that is written as a test."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in nodes)


def test_every_file_with_tests_has_a_name_that_is_collected() -> None:
    misnamed = [path for path in TESTS.rglob("*.py") if has_tests(path) and not path.name.startswith("test_")]
    assert misnamed == []
