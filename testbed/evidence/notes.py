"""A file in which the tests of a rehearsal note their deployments."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "REHEARSAL_DEPLOYMENTS"
"""Environment variable with the path of the file for the notes."""

COMMITTED = "{}"
"""The note for the committed `dev` stack, with whose deployment every rehearsal begins."""


def note(changes: Mapping[str, object]) -> None:
    """Note that a test deploys `dev` with these keys replaced; nothing is noted outside a rehearsal."""
    if file := os.environ.get(VARIABLE):
        with Path(file).open("a", encoding="utf-8") as notes:
            notes.write(f"{json.dumps(changes, sort_keys=True)}\n")


def noted(file: Path) -> list[str]:
    """The deployments in a file of notes, each once, and that of the committed `dev`: their replaced keys as JSON."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return sorted({COMMITTED, *lines})
