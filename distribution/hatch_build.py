"""Hook of the build: puts the renamed components into the wheel."""  # noqa: INP001 - hatchling reads the file

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import renaming  # noqa: E402 - it is beside this file


class Hook(BuildHookInterface):
    """Writes the package into a temporary folder, which is deleted after the build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's interface
        """Add the package's files to the wheel.

        Raises:
            ValueError: the components are not beside the distribution, as in an sdist.
        """
        components = HERE.parent / renaming.COMPONENTS
        if self.target_name != "wheel" or not components.is_dir():
            raise ValueError("only a wheel can be built, and only in a checkout: `uv build --wheel distribution`")
        self._folder = tempfile.TemporaryDirectory()
        package = renaming.write(components, Path(self._folder.name))
        build_data["force_include"][str(package)] = renaming.PACKAGE
