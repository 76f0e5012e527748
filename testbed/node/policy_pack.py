"""A copy of the policy pack that the embedded engine can run.

Its language host is older than policy packs in Python as they are now. An analyzer of the engine's directory runs packs
of the runtime `python-pack` instead, so the copy says that this is its runtime.
"""

from pathlib import Path

import yaml

from testbed.node.writing import write_whole

DESCRIPTION = "PulumiPolicy.yaml"
SOURCES = ("*.py", DESCRIPTION)


def description(committed: str) -> str:
    """Render the description for the embedded engine."""
    return yaml.safe_dump({**yaml.safe_load(committed), "runtime": "python-pack"})


def copy(source: Path, target: Path) -> None:
    """Bring the copy up to date, file by file: another command may be running it."""
    files = {path.relative_to(source): path for pattern in SOURCES for path in source.rglob(pattern)}
    for relative, path in files.items():
        text = path.read_text(encoding="utf-8")
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        write_whole(target / relative, description(text) if path.name == DESCRIPTION else text)
    for path in [path for pattern in SOURCES for path in target.rglob(pattern)]:
        if path.relative_to(target) not in files:
            path.unlink(missing_ok=True)
