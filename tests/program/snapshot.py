"""Snapshots of the committed stacks: one line for each resource that a first deployment would create.

The files in `snapshots/` are reviewed with the change that alters them. `make generate` writes them.
"""

from pathlib import Path

from tests.harness import Recording, Registered

FOLDER = Path(__file__).with_name("snapshots")


def text(recording: Recording) -> str:
    """All resources of a stack in the order of their URNs."""
    return "".join(f"{_line(resource)}\n" for resource in recording)


def file_of(stack: str) -> Path:
    """Path of a stack's snapshot."""
    return FOLDER / f"{stack}.txt"


def _line(resource: Registered) -> str:
    flags = [name for name, is_set in (("protect", resource.protect), ("retain", resource.retain)) if is_set]
    flags += [f"alias {alias}" for alias in resource.aliases]
    parent = f" <- {resource.parent}" if resource.parent else ""
    return f"{resource.type} {resource.name}{parent}" + "".join(f" [{flag}]" for flag in flags)
