"""Loads the scripts that run in pods as modules, because they belong to no package."""

import importlib.util
from pathlib import Path
from typing import Any

from components import scripts


def load(name: str) -> Any:  # noqa: ANN401 - a module that is no part of a package
    """A fresh module from the script `name`, without its `.py`."""
    spec = importlib.util.spec_from_file_location(name, Path(scripts.__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
