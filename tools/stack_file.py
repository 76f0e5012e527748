"""Reader of the stack files in the working tree, which needs neither Pulumi nor a passphrase."""

import re
from pathlib import Path

from settings import loader
from settings.loader import Source


class UnknownError(Exception):
    """The stack or git revision does not exist or cannot be read; the message has the reason or the existing stacks."""


class UnreadableError(Exception):
    """The stack file has mistakes; the message lists them as a preview does."""


def file_name(stack: str) -> str:
    """Name of a stack's file, `Pulumi.STACK.yaml`; the stack's name may include organization and project.

    Raises:
        UnknownError: the stack's name is invalid.
    """
    name = stack.rpartition("/")[2]
    if not re.fullmatch(r"[\w.-]+", name):
        raise UnknownError(f"`{stack}` is not a valid stack name: expected letters, digits, `-`, `_` and `.`")
    return f"Pulumi.{name}.yaml"


def read(stack: str) -> Source:
    """Read a stack's file in the working tree.

    Raises:
        UnknownError: there is no such stack file.
        UnreadableError: the file exists, but cannot be read or is not a stack file.
    """
    name = file_name(stack)
    try:
        return loader.from_file(Path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = sorted(path.name.split(".", 1)[1].removesuffix(".yaml") for path in Path().glob("Pulumi.*.yaml"))
        known = f"the stacks here are {', '.join(there)}" if there else "run this in the directory of Pulumi.yaml"
        raise UnknownError(f"there is no {name} here: {known}") from None
    except (OSError, UnicodeDecodeError, loader.UnreadableError) as error:
        raise UnreadableError(f"{name} cannot be read: {error}") from None
