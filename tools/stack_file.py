"""Stack files of the working tree, for tools that need neither an engine nor a passphrase."""

import re
from pathlib import Path

from stackfile import file
from stackfile.source import Source


class UnknownError(Exception):
    """There is no such stack or revision; the message has the existing ones or the reason."""


class UnreadableError(Exception):
    """The stack file has mistakes; the message lists them as a preview does."""


def file_name(stack: str) -> str:
    """Name of a stack file; the stack's name may include organization and project.

    Raises:
        UnknownError: the name is not a valid one.
    """
    name = stack.rpartition("/")[2]
    if not re.fullmatch(r"[\w.-]+", name):
        raise UnknownError(f"`{stack}` is not a name of a stack: expected letters, digits, hyphens and dots")
    return f"Pulumi.{name}.yaml"


def read(stack: str) -> Source:
    """A stack's configuration in the working tree.

    Raises:
        UnknownError: there is no such stack file.
        UnreadableError: the file is not a stack file.
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
