"""Components imported by the package's name, in another project's program."""

import ast
import importlib.util
import re
import runpy
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.harness import Recording, deploy
from tests.policy.judge import as_asked, judge

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).with_name("notebooks") / "__main__.py"
PACKAGE = "mlflow_platform"


def renaming() -> ModuleType:
    """The renaming module of `distribution/`, which is no package here."""
    spec = importlib.util.spec_from_file_location("renaming", ROOT / "distribution" / "renaming.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package as in the wheel; it can be imported while the block lasts."""
    folder = tmp_path_factory.mktemp("installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        yield renaming().write(ROOT / "components", folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def got(package: Path) -> Recording:
    assert package.is_dir()
    return deploy(lambda: {} if runpy.run_path(str(EXAMPLE), run_name="__main__") else None, stack="example")


def modules(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*.py")) if "scripts" not in file.parts[:-1]]


def imported(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_no_module_of_the_package_needs_the_repository(package: Path) -> None:
    known = {PACKAGE, "cryptography", "pulumi", "pulumi_aws", "pulumi_kubernetes", "pulumi_random"}
    for file in modules(package):
        needed = {name.partition(".")[0] for name in imported(file)} - sys.stdlib_module_names
        assert needed <= known, file
        if "aws" not in file.parts:
            assert "pulumi_aws" not in needed, file


def test_the_package_differs_from_the_repository_in_the_names_of_imports_alone(package: Path) -> None:
    renamed = 0
    for file in (ROOT / "components").rglob("*"):
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        before = file.read_text(encoding="utf-8").splitlines()
        after = (
            (package / "components" / file.relative_to(ROOT / "components")).read_text(encoding="utf-8").splitlines()
        )
        assert len(after) == len(before), file
        for old, new in zip(before, after, strict=True):
            if old != new:
                renamed += 1
                assert re.match(r"\s*(from|import) mlflow_platform\.components[. ]", new), new
                assert new.replace("mlflow_platform.components", "components", 1) == old
    assert renamed > 100


def test_type_checkers_of_other_programs_read_the_types(package: Path) -> None:
    assert (package / "py.typed").read_text(encoding="utf-8") == ""


def test_components_use_the_providers_of_the_program_that_uses_them(got: Recording) -> None:
    used = {
        resource.name: resource.provider for resource in got if resource.custom and "providers" not in resource.type
    }
    assert set(used.values()) == {"notebooks", "passwords"}
    assert {name for name, provider in used.items() if provider == "passwords"} == {
        *("hub-database-password", "hub-database-client-password")
    }


def test_the_hub_gets_what_it_needs_to_sign_in_to_the_database(got: Recording) -> None:
    hub = got["hub-server"].inputs["spec"]["template"]["spec"]
    (container,) = hub["containers"]
    assert container["args"] == ["--db-url", "postgresql+psycopg://mlflow@postgres:5432/mlflow?sslmode=disable"]
    (variable,) = container["env"]
    assert variable["valueFrom"]["secretKeyRef"]["key"] == "password"
    assert "hub-database-server" in got["hub-server"].dependencies


def test_the_policy_pack_finds_nothing_in_it(got: Recording) -> None:
    assert list(judge(as_asked(got, "example"))) == []


def test_what_the_page_shows_is_in_the_program() -> None:
    page = (ROOT / "docs" / "components.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert shown in EXAMPLE.read_text(encoding="utf-8")


def document(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))["project"]


def test_the_package_is_open_for_the_versions_that_the_program_pins() -> None:
    package = document("distribution/pyproject.toml")
    ranges = [*package["dependencies"], *package["optional-dependencies"]["aws"]]
    allowed = {wanted.name: wanted.specifier for wanted in map(Requirement, ranges)}
    pins = {wanted.name: wanted.specifier for wanted in map(Requirement, document("pyproject.toml")["dependencies"])}
    assert allowed.keys() <= pins.keys()
    for name, specifier in allowed.items():
        (pin,) = pins[name]
        assert specifier.contains(pin.version), name


def test_the_package_has_the_version_and_the_python_of_the_program() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    hatch = tomllib.loads((ROOT / "distribution" / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    found = re.search(hatch["version"]["pattern"], text, re.MULTILINE)
    assert found
    assert found["version"] == document("pyproject.toml")["version"]
    assert document("distribution/pyproject.toml")["requires-python"] == document("pyproject.toml")["requires-python"]
