import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("tests", "testbed/tests", "testbed/e2e")


def has_tests(path: Path) -> bool:
    """True if a file defines a function whose name begins with `test_`."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in nodes)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_with_tests_has_a_name_that_is_collected(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*.py") if has_tests(path)]
    assert files
    assert [path for path in files if not path.name.startswith("test_")] == []


def test_every_end_to_end_test_is_an_acceptance_test_or_a_rehearsal() -> None:
    folder = ROOT / "testbed" / "e2e"
    files = [path.relative_to(folder) for path in folder.rglob("test_*.py")]
    assert [path for path in files if path.parts[0] not in {"acceptance", "rehearsals"}] == []
