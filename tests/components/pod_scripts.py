"""Loads scripts of components/scripts as their pods do: their modules by name, packages of the image as fakes."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from components import scripts as files

FOLDER = Path(files.__file__).parent


def fake(name: str, **members: object) -> ModuleType:
    """A module with these members."""
    module = ModuleType(name)
    for member, value in members.items():
        setattr(module, member, value)
    return module


def load(monkeypatch: pytest.MonkeyPatch, name: str, fakes: list[ModuleType] | None = None) -> Any:  # noqa: ANN401 - modules of scripts have no types
    """The script `name`, without `.py`; `fakes` take the place of packages that are not installed here."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    for script in FOLDER.glob("*.py"):
        monkeypatch.delitem(sys.modules, script.stem, raising=False)
    for module in fakes or ():
        monkeypatch.setitem(sys.modules, module.__name__, module)
    loaded = importlib.import_module(name)
    # What it has imported belongs to this test.
    for script in FOLDER.glob("*.py"):
        if script.stem in sys.modules:
            monkeypatch.setitem(sys.modules, script.stem, sys.modules[script.stem])
    return loaded
