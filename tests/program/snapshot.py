"""Snapshots of the committed stacks: one line for each resource that a first deployment would create.

The files in `snapshots/` are reviewed with the change that alters them. `python -m tests.program.snapshot --write`
writes them; without `--write` it shows the differences.
"""

import argparse
import difflib
import sys
from pathlib import Path

from tests.harness import Recording, Registered
from tests.program.stacks import STACKS, recorded

FOLDER = Path(__file__).with_name("snapshots")
COMMAND = "python -m tests.program.snapshot --write"


def text(recording: Recording) -> str:
    """All resources of a stack in the order of their URNs."""
    return "".join(f"{_line(resource)}\n" for resource in recording)


def file_of(stack: str) -> Path:
    """Path of a stack's snapshot."""
    return FOLDER / f"{stack}.txt"


def difference(stack: str) -> str:
    """Unified diff between the snapshot and the program; empty if there is none."""
    path = file_of(stack)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(), text(recorded(stack)).splitlines(), path.name, "the program now", lineterm="", n=1
    )
    return "\n".join(lines)


def _line(resource: Registered) -> str:
    flags = [name for name, is_set in (("protect", resource.protect), ("retain", resource.retain)) if is_set]
    flags += [f"alias {alias}" for alias in resource.aliases]
    parent = f" <- {resource.parent}" if resource.parent else ""
    return f"{resource.type} {resource.name}{parent}" + "".join(f" [{flag}]" for flag in flags)


def main(arguments: list[str]) -> int:
    """Compare or write; the exit code is 1 if there is a difference that was not written."""
    parser = argparse.ArgumentParser(prog="python -m tests.program.snapshot", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the snapshots anew")
    write: bool = parser.parse_args(arguments).write
    code = 0
    for stack in STACKS:
        changes = difference(stack)
        if changes and write:
            file_of(stack).write_text(text(recorded(stack)), encoding="utf-8")
        code = code or int(bool(changes) and not write)
        print(changes or f"{stack}: as in {file_of(stack).name}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
