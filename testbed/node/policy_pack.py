"""A copy of the policy pack for the embedded engine.

The engine's language host is too old for current policy packs in Python. An analyzer plugin in the engine's directory
runs packs of the runtime `python-pack`, so the copy declares this runtime.
"""

from pathlib import Path

import yaml

from testbed.node.writing import write_whole

DESCRIPTION = "PulumiPolicy.yaml"
SOURCES = ("*.py", DESCRIPTION)


def description(committed: str) -> str:
    """Return the content of PulumiPolicy.yaml with the runtime `python-pack`."""
    return yaml.safe_dump({**yaml.safe_load(committed), "runtime": "python-pack"})


def copy(source: Path, target: Path) -> None:
    """Update the copy file by file, because another command may be using it."""
    files = {path.relative_to(source): path for pattern in SOURCES for path in source.rglob(pattern)}
    for relative, path in files.items():
        text = path.read_text(encoding="utf-8")
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        write_whole(target / relative, description(text) if path.name == DESCRIPTION else text)
    for path in [path for pattern in SOURCES for path in target.rglob(pattern)]:
        if path.relative_to(target) not in files:
            path.unlink(missing_ok=True)
