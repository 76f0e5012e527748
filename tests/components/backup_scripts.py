"""The scripts of the backups' sidecar as modules, without a store and without a database."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from components import scripts

FOLDER = str(Path(scripts.__file__).parent)


def module(name: str) -> Any:  # noqa: ANN401 - a module that is no part of a package
    """Load a script by its name; scripts import each other by name."""
    # In the image of the backups only.
    sys.modules.setdefault("psycopg2", _driver())
    if FOLDER not in sys.path:
        sys.path.append(FOLDER)
    return importlib.import_module(name)


def _driver() -> ModuleType:
    driver: Any = ModuleType("psycopg2")
    driver.connect = None
    driver.Error = OSError
    return driver


class Store:
    """A store in memory, which can be made unavailable."""

    server = "postgres-77"

    def __init__(self) -> None:
        self.away = False
        self.sent: list[str] = []
        self.notes_by_name: dict[str, Any] = {}

    def barman(self, tool: str, *arguments: object, **_: object) -> str:
        """Store a file."""
        self._answer()
        assert tool == "wal-archive"
        (file,) = arguments
        assert isinstance(file, Path)
        assert file.exists()
        self.sent.append(file.name)
        return ""

    def write(self, name: str, content: Any) -> None:  # noqa: ANN401 - any JSON
        """Store a note."""
        self._answer()
        self.notes_by_name[name] = content

    def _answer(self) -> None:
        if self.away:
            raise module("backup_store").StoreError("Could not connect")
