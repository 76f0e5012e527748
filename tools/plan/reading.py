"""Readers of what a plan is computed from: events of a preview, stack files, a price list."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import yaml

from settings.loader import Source
from tools.access.difference import Difference
from tools.access.stacks import compared
from tools.plan.plan import Plan, plan
from tools.plan.preview import Preview, parse
from tools.revision import read_at
from tools.stack_file import UnknownError, UnreadableError, read


class ArgumentError(Exception):
    """A file or a variable is missing or wrong; the message says which."""


def previewed(item: str) -> tuple[str, Preview]:
    """The stack's name and its preview, read from an argument STACK=EVENTS.

    Raises:
        ArgumentError: the file is missing, or has no events.
    """
    stack, _, file = item.partition("=")
    try:
        return stack, parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise ArgumentError(
            f"{item}: expected STACK=FILE with the events of `pulumi preview --json`: {error}"
        ) from None


def price_list(file: Path) -> dict[str, float]:
    """The price list in a file.

    Raises:
        ArgumentError: it cannot be read, or has a price that is no number.
    """
    try:
        document: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ArgumentError(f"{file} cannot be read: {error}") from None
    lines = cast("Mapping[object, object]", document) if isinstance(document, Mapping) else {"": None}
    wrong = [str(key) for key, value in lines.items() if isinstance(value, bool) or not isinstance(value, int | float)]
    if wrong:
        raise ArgumentError(f"{file}: expected lines like `cpu: 25.0`, money a month; wrong: {', '.join(wrong)}")
    return {str(key): float(cast("float", value)) for key, value in lines.items()}


def planned(stack: str, preview: Preview, against: str, prices: Mapping[str, float] | None) -> Plan:
    """The plan of a stack, compared with a git revision if there is one.

    Raises:
        ArgumentError: the price list lacks a price.
    """
    now = past = None
    access: Difference | str | None = None
    try:
        now = read(stack)
    except (UnknownError, UnreadableError):
        # The preview's own errors say why.
        now = None
    if against:
        try:
            access, past = compared(stack, against), _past(stack, against)
        except UnknownError as error:
            access = f"Access cannot be compared: {error}."
    try:
        return plan(stack, preview, access=access, now=now, past=past, prices=prices)
    except KeyError as error:
        raise ArgumentError(f"the price list has no price of the database instance {error.args[0]}: add it") from None


def _past(stack: str, revision: str) -> Source | None:
    try:
        return read_at(stack, revision)
    except UnreadableError:
        return None
