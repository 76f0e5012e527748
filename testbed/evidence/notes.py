"""Notes of the deployments that the tests of a rehearsal make."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "REHEARSAL_DEPLOYMENTS"
"""Environment variable with the path of the file for the notes."""

COMMITTED = "{}"
"""The note of the deployment of `dev` as it is committed, with which every rehearsal begins."""


def note(changes: Mapping[str, object]) -> None:
    """Note that a test deploys `dev` with these keys replaced; nothing is noted outside a rehearsal."""
    if file := os.environ.get(VARIABLE):
        with Path(file).open("a", encoding="utf-8") as notes:
            notes.write(f"{json.dumps(changes, sort_keys=True)}\n")


def noted(file: Path) -> list[str]:
    """The deployments in a file of notes, each once, and the committed one: the replaced keys as JSON."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return sorted({COMMITTED, *lines})
