"""Drift as text for a terminal, as Markdown for an issue, and as JSON for programs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from tools.access.words import MARKDOWN
from tools.drifted.drift import Difference, Drift
from tools.plan.differences import shown

# Raised when a field of the JSON changes its meaning or goes away.
VERSION = 1
# GitHub rejects issues above 65,536 characters.
LONGEST = 60_000


def headline(one: Drift) -> str:
    """The stack, and the number of differences."""
    count = len(one.differences)
    what = "nothing differs" if not count else "1 difference" if count == 1 else f"{count} differences"
    return f"{one.stack}: {what} between the cluster and the stack"


def text(one: Drift) -> str:
    """Drift as text for a terminal."""
    return "\n".join([headline(one), *(line for each in one.differences for line in ("", *_lines(each, str)))])


def markdown(one: Drift) -> str:
    """Drift as Markdown for an issue, shortened until GitHub accepts its length."""
    whole = [f"### {headline(one)}"]
    for count, each in enumerate(one.differences):
        first, *rest = _lines(each, MARKDOWN.name)
        block = "\n".join([f"- {first}", *(f"  - {line.strip()}" for line in rest)])
        if sum(map(len, whole)) + len(block) > LONGEST:
            whole.append(f"and {len(one.differences) - count} more: `make drift` shows them")
            break
        whole.append(block)
    return "\n\n".join(whole)


def _lines(one: Difference, name: Callable[[str], str]) -> Iterator[str]:
    if not one.field:
        yield f"{name(one.object)} is gone"
    else:
        yield f"{name(one.object)}: {name(one.field)}"
        yield f"  in the stack: {_value(one.stack, name)}"
        yield f"  in the cluster: {_value(one.cluster, name)}"
        yield f"  written by: {_writers(one, name)}"
    yield f"  {one.up}"


def _value(value: object, name: Callable[[str], str]) -> str:
    return "not there" if value is None else name(shown(value))


def _writers(one: Difference, name: Callable[[str], str]) -> str:
    if not one.by:
        return "not recorded"
    return ", ".join(f"{name(each.name)} ({each.operation}{f', {each.time}' if each.time else ''})" for each in one.by)


def as_json(one: Drift) -> str:
    """Drift as JSON for programs."""
    found: list[dict[str, Any]] = [asdict(each) for each in one.differences]
    return json.dumps({"version": VERSION, "stack": one.stack, "differences": found}, indent=2, ensure_ascii=False)
