"""A stack's file in the working tree, for tools that need neither an engine nor a passphrase."""

import re
from pathlib import Path

from stackfile import file
from stackfile.source import Source


class UnknownError(Exception):
    """There is no such stack, or no such revision; says what there is, or why."""


class UnreadableError(Exception):
    """The stack file has faults; the message lists them as a preview does."""


def file_name(stack: str) -> str:
    """The stack file's name; a stack may be given with its organisation and project.

    Raises:
        UnknownError: no stack can have this name.
    """
    name = stack.rpartition("/")[2]
    if not re.fullmatch(r"[\w.-]+", name):
        raise UnknownError(f"`{stack}` is no name of a stack: expected letters, digits, hyphens, dots")
    return f"Pulumi.{name}.yaml"


def read(stack: str) -> Source:
    """A stack's configuration as the working tree has it.

    Raises:
        UnknownError: it has no stack file here.
        UnreadableError: it is no stack file.
    """
    name = file_name(stack)
    try:
        return file.read(Path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = sorted(path.name.split(".", 1)[1].removesuffix(".yaml") for path in Path().glob("Pulumi.*.yaml"))
        known = f"the stacks here are {', '.join(there)}" if there else "run this where Pulumi.yaml is"
        raise UnknownError(f"there is no {name} here: {known}") from None
    except (OSError, UnicodeDecodeError, file.UnreadableError) as error:
        raise UnreadableError(f"{name} cannot be read: {error}") from None
