"""A renamed setting is a type error at every place that reads it."""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic.alias_generators import to_camel

from settings import Settings, outline
from tests.settings.stack_files import ROOT

SCHEMA = Path("settings/schema")
# Folders with rules, sums and everything else that reads settings.
READERS = ("settings", "factories")


@dataclass(frozen=True)
class Place:
    """A place in a file where an attribute is declared or read."""

    path: Path
    line: int
    column: int
    name: str


def declarations(folder: Path) -> Iterator[Place]:
    """Each annotated attribute of the classes in a folder."""
    for path in sorted(folder.rglob("*.py")):
        for model in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for line in model.body if isinstance(model, ast.ClassDef) else []:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield Place(path, line.lineno, line.col_offset, line.target.id)


def reads(folder: Path) -> Iterator[Place]:
    """Each place in a folder that reads an attribute."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.end_lineno and node.end_col_offset:
                yield Place(path, node.end_lineno, node.end_col_offset - len(node.attr), node.attr)


def values() -> set[str]:
    """Names of settings with a value, if no section and nothing else in the program has the same name."""
    keys = [*outline.keys(Settings)]
    paths = {place.name for place in declarations(ROOT / SCHEMA)}
    sections = {key.path.rpartition(".")[2] for key in keys if outline.models(key.field.annotation)}
    others = {
        place.name
        for folder in (*READERS, "components")
        for place in declarations(ROOT / folder)
        if not place.path.is_relative_to(ROOT / SCHEMA)
    }
    known = {key.path.rpartition(".")[2] for key in keys} - sections
    return {name for name in paths - others if to_camel(name) in known}


def rename(folder: Path, names: set[str]) -> None:
    """Rename settings where they are declared, and nowhere else."""
    for place in declarations(folder):
        if place.name in names:
            lines = place.path.read_text(encoding="utf-8").splitlines(keepends=True)
            lines[place.line - 1] = lines[place.line - 1].replace(f"{place.name}:", f"{place.name}_renamed:", 1)
            place.path.write_text("".join(lines), encoding="utf-8")


def errors(folder: Path) -> set[tuple[str, int, int]]:
    """File, line and column of each of pyright's errors in a copy of the program."""
    python = {"extraPaths": [str(ROOT)], "venvPath": str(ROOT), "venv": ".venv", "typeCheckingMode": "standard"}
    (folder / "pyrightconfig.json").write_text(json.dumps({"include": READERS, **python}), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - a constant
    found = json.loads(done.stdout)["generalDiagnostics"]
    begins = [(one["file"], one["range"]["start"]) for one in found if one["severity"] == "error"]
    return {(file, begin["line"] + 1, begin["character"]) for file, begin in begins}


def test_every_place_that_reads_a_renamed_setting_is_a_type_error(tmp_path: Path) -> None:
    for folder in READERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    names = values()
    places = [place for folder in READERS for place in reads(tmp_path / folder) if place.name in names]
    rename(tmp_path / SCHEMA, names)
    found = errors(tmp_path)
    assert [one for one in places if (str(one.path), one.line, one.column) not in found] == []
    # Not vacuous: settings of many sections are read.
    assert len({one.name for one in places}) > 30


@pytest.mark.parametrize("folder", ["settings/rules", "settings/sizing"])
def test_rules_and_sums_read_settings_by_their_attributes_alone(folder: str) -> None:
    ways = {"place", "model_dump", "model_dump_json", "getattr", "vars", "__dict__"}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None
            assert name not in ways, f"{path}: {name}"
