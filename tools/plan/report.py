"""A plan as Markdown for a pull request, and as text for a terminal. The same plan gives the same bytes."""

import re
from collections.abc import Iterator, Sequence

from tools.access.words import COLOURED, MARKDOWN, PLAIN, Style
from tools.plan.fingerprint import fingerprint, hidden
from tools.plan.plan import Outcome, Plan
from tools.plan.sections import sections

MARKER = "<!-- mlflow-platform plan -->"
# GitHub rejects comments above 65,536 characters.
LONGEST = 60_000
# Largest number of lines in each list. If the comment is too long, it is written again with the next number, so that
# all stacks keep their headlines.
LENGTHS = (1_000_000, 200, 50, 10)
# Longest line of a shortened list.
LONGEST_LINE = 300
RED, YELLOW, GREEN, BOLD, END = "\033[31m", "\033[33m", "\033[32m", "\033[1m", "\033[0m"
COLOURS: dict[Outcome, str] = {"safe": GREEN, "approval": YELLOW, "refused": RED}
COMMIT = re.compile(r"[0-9a-f]{7,64}")
AFTERWARDS = (
    "After the merge exactly this plan is applied (`up`), or nothing if the plan has changed meanwhile"
    " (docs/delivery.md)."
)
WORDS: dict[Outcome, str] = {
    "safe": "safe to apply",
    "approval": "needs approval",
    "refused": "would fail, do not approve",
}


def headline(one: Plan, style: Style = PLAIN) -> str:
    """The stack, and whether its change needs approval, with the reasons."""
    said = WORDS[one.outcome]
    if one.outcome == "approval":
        said = f"{said}: {'; '.join(one.reasons_in(style))}"
    return f"{one.stack}: {said if one.preview.changes or one.preview.refused else 'changes nothing'}"


def markdown(plans: Sequence[Plan], *, commit: str = "") -> str:
    """The comment for a pull request, with lists shortened until GitHub accepts its length.

    `commit` is the commit that the plans are of; empty if it is not known.
    """
    text = ""
    marks = "\n".join([MARKER, *(hidden(fingerprint(one)) for one in plans)])
    for most in LENGTHS:
        text = "\n\n".join([marks, *(_markdown(one, most) for one in plans), _footer(plans, commit)])
        if len(text) <= LONGEST:
            break
    return text[:LONGEST]


def _footer(plans: Sequence[Plan], commit: str) -> str:
    """How to approve, and what happens then."""
    outcomes = {one.outcome for one in plans}
    if "refused" in outcomes:
        how = "Nothing can be applied until the author has corrected this; each push makes a new plan."
    elif "approval" in outcomes:
        how = f"To approve: a review with *Approve* after this comment, by somebody who may write here. {AFTERWARDS}"
    else:
        how = f"No approval is needed. {AFTERWARDS}"
    of = f"Plan of commit {commit[:12]}. " if COMMIT.fullmatch(commit) else ""
    return f"---\n{of}{how} Words that need explaining: docs/pull-requests.md"


def _markdown(one: Plan, most: int) -> str:
    parts = [f"## {headline(one, MARKDOWN)}"]
    for section in sections(one, MARKDOWN):
        lines = _first(section.lines, most)
        if section.is_diff:
            parts.append(_folded(section.title, _fenced(lines, "diff")))
        elif section.is_raw:
            parts.append(_folded(section.title, _fenced(lines)))
        else:
            parts.append("\n".join([f"### {section.title}", "", *(f"- {line}" for line in lines)]))
    return "\n\n".join(parts)


def _folded(title: str, block: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{block}\n</details>"


def _fenced(lines: Sequence[str], language: str = "") -> str:
    """Lines in a fence that none of them can close."""
    longest = max((len(ticks) for line in lines for ticks in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def _first(lines: Sequence[str], most: int) -> list[str]:
    if most == LENGTHS[0]:
        return list(lines)
    kept = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}... (cut off)" for line in lines[:most]]
    left = len(lines) - len(kept)
    return [*kept, f"and {left} more: `make plan` shows them"] if left else kept


def text(plans: Sequence[Plan], *, coloured: bool) -> str:
    """The plans for a terminal."""
    style = COLOURED if coloured else PLAIN
    return "\n\n".join("\n".join(_text(one, style, coloured=coloured)) for one in plans)


def _text(one: Plan, style: Style, *, coloured: bool) -> Iterator[str]:
    def painted(words: str, colour: str) -> str:
        return f"{colour}{words}{END}" if coloured else words

    yield painted(headline(one), COLOURS[one.outcome])
    for section in sections(one, style):
        yield ""
        yield painted(section.title.replace("`", ""), BOLD)
        yield from (f"  {line}" if line else "" for line in section.lines)
