"""The product does not depend on the testbed."""

import ast
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("components", "factories", "settings", "policy", "tools", "benchmarks", "images", "tests")
EQUIPMENT = "testbed"


def _modules() -> list[Path]:
    found = [*ROOT.glob("*.py"), *(file for folder in PRODUCT for file in (ROOT / folder).rglob("*.py"))]
    assert len(found) > len(PRODUCT)
    return found


def _imported(file: Path) -> set[str]:
    """Names of the top-level packages that a file imports."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


def _document(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def _installed(group: str) -> set[str]:
    """Every package that uv.lock installs for the product with this dependency group."""
    packages = {package["name"]: package for package in cast("list[dict[str, Any]]", _document("uv.lock")["package"])}
    product = packages["mlflow-platform"]
    waiting = [*product["dependencies"], *product["dev-dependencies"][group]]
    found = set[str]()
    while waiting:
        name = waiting.pop()["name"]
        if name not in found:
            found.add(name)
            waiting += packages[name].get("dependencies", ())
    return found


def _own(name: str) -> set[str]:
    """Requirements in another pyproject.toml that the product's pyproject.toml does not have."""

    def names(requirements: list[str]) -> set[str]:
        return {requirement.partition("[")[0].partition(">")[0].partition("=")[0] for requirement in requirements}

    product = _document("pyproject.toml")
    shared = names(product["project"]["dependencies"]) | names(product["dependency-groups"]["dev"])
    return names(_document(name)["project"]["dependencies"]) - shared


@pytest.mark.parametrize("file", _modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_of_the_product_imports_the_test_equipment(file: Path) -> None:
    assert EQUIPMENT not in _imported(file)


def test_the_product_installs_nothing_that_only_the_test_equipment_needs() -> None:
    only = _own("testbed/pyproject.toml")
    assert {"moto", "playwright", "flask"} <= only
    assert only & _installed("dev") == set()
    assert only <= _installed("testbed")


@pytest.mark.parametrize("folder", ["components", "factories"])
def test_components_and_factories_read_no_configuration_and_no_environment(folder: str) -> None:
    for file in (ROOT / folder).rglob("*.py"):
        if file.parent.name == "scripts":
            continue
        source = file.read_text(encoding="utf-8")
        for forbidden in ("pulumi.Config", "get_stack(", "os.environ", "StackReference"):
            assert forbidden not in source, f"{file.relative_to(ROOT)} uses {forbidden}"
