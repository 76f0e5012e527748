"""The pull request's comment: who gains or loses access, and then what each stack's preview would change.

`python -m tools.preview_comment dev=dev.json prod=prod.json` turns the events that `pulumi preview --json` streams with
PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true into Markdown on standard output. With `--against` access is compared with the
stack files of that git revision. With `--post` the comment of an earlier run is replaced (GITHUB_TOKEN,
GITHUB_REPOSITORY and PULL_REQUEST in the environment).
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.access.difference import Difference
from tools.access.stacks import compared
from tools.access.words import MARKDOWN, sentences
from tools.pull_request import post
from tools.stack_file import UnknownError

MARKER = "<!-- mlflow-platform preview -->"
# GitHub refuses comments above 65,536 characters.
LONGEST = 60_000
# A comment that is too long is written again with shorter lists, so that every stack keeps its headline.
LENGTHS = (1_000_000, 200, 50, 10)
# What stays of a long line then: a path or an error text without end.
LONGEST_LINE = 300
# A replacement is three steps in the engine; the one called `replace` stands for it.
SIGNS = {"create": "+", "import": "=", "update": "~", "delete": "-", "replace": "±"}
DANGEROUS = frozenset({"delete", "replace"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What would happen to one resource."""

    op: str
    name: str
    """Kind and name, for example `Namespace team-a-namespace`."""

    changed: tuple[str, ...]
    """Paths of the properties that differ."""

    def __str__(self) -> str:
        """One line of a diff."""
        detail = f": {', '.join(self.changed)}" if self.changed else ""
        return f"{SIGNS[self.op]} {self.name}{detail}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a reviewer wants to know of one stack's preview."""

    changes: tuple[Change, ...]
    violations: tuple[str, ...]
    """Rules of the policy pack that are broken, one line each."""

    errors: tuple[str, ...]


def parse(events: str) -> Preview:
    """The engine's events, one JSON object a line, as `pulumi preview --json` streams them.

    Raises:
        ValueError: a line is no JSON object.
    """
    changes: list[Change] = []
    violations: list[str] = []
    errors: list[str] = []
    finished = False
    for line in filter(str.strip, events.splitlines()):
        event: dict[str, Any] = json.loads(line)
        if metadata := event.get("resourcePreEvent", {}).get("metadata"):
            if metadata["op"] in SIGNS:
                changed = tuple(sorted(metadata.get("detailedDiff") or ()))
                changes.append(Change(op=metadata["op"], name=_name(metadata["urn"]), changed=changed))
        elif policy := event.get("policyEvent"):
            # The first line of the message is the rule's description; what follows says what is wrong.
            wrong = " ".join(policy["message"].strip().splitlines()[1:]) or policy["message"].strip()
            where = _name(policy["resourceUrn"]) if policy.get("resourceUrn") else "the stack"
            violations.append(f"{policy['policyName']} ({policy['enforcementLevel']}): {where}: {wrong}")
        elif (diagnostic := event.get("diagnosticEvent", {})).get("severity") == "error":
            errors.append(diagnostic["message"].strip())
        finished = finished or "summaryEvent" in event
    if not finished and not errors:
        errors.append("The preview did not come to its end; the workflow's log says why.")
    return Preview(changes=tuple(changes), violations=tuple(sorted(violations)), errors=tuple(errors))


def _name(urn: str) -> str:
    _, _, types, name = urn.split("::", 3)
    return f"{types.rsplit('$', 1)[-1].rsplit(':', 1)[-1]} {name}"


def summary(stack: str, preview: Preview, most: int = LENGTHS[0]) -> str:
    """One stack's section of the comment; no list in it has more than `most` lines."""
    counts = Counter(change.op for change in preview.changes)
    headline = ", ".join(f"{counts[op]} to {op}" for op in SIGNS if counts[op]) or "no changes"
    parts = [f"### `{stack}`: {'the preview failed' if preview.errors else headline}"]
    if preview.violations:
        parts.append(
            "\n".join(["**Rules that are broken:**", "", *_first([f"- {line}" for line in preview.violations], most)])
        )
    if preview.errors:
        parts.append(
            "\n".join(["```", *_first([line for text in preview.errors for line in text.splitlines()], most), "```"])
        )
    lost = sorted(change.name for change in preview.changes if change.op in DANGEROUS)
    if lost:
        parts.append("**Deleted or replaced:** " + ", ".join(_first([f"`{name}`" for name in lost], most)))
    if preview.changes:
        ordered = sorted(preview.changes, key=lambda change: (change.op, change.name))
        lines = "\n".join(_first([str(change) for change in ordered], most))
        parts.append(f"<details><summary>All changes</summary>\n\n```diff\n{lines}\n```\n</details>")
    return "\n\n".join(parts)


def _first(lines: list[str], most: int) -> list[str]:
    if most == LENGTHS[0]:
        return lines
    kept = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..." for line in lines[:most]]
    left = len(lines) - len(kept)
    return [*kept, f"and {left} more: the workflow's log has them"] if left else kept


def access_summary(stack: str, found: Difference | str, most: int = LENGTHS[0]) -> str:
    """One stack's part of the section about access."""
    if isinstance(found, str):
        return f"**`{stack}`**: {found}"
    told = sentences(found, MARKDOWN)
    if found.nothing and len(told) == 1:
        return f"**`{stack}`**: {told[0][0].lower()}{told[0][1:]}"
    return "\n".join([f"**`{stack}`**:", "", *_first([f"- {sentence}" for sentence in told], most)])


def comment(previews: Mapping[str, Preview], access: Mapping[str, Difference | str] | None = None) -> str:
    """The whole comment, with lists as short as GitHub makes necessary."""
    text = ""
    for most in LENGTHS:
        parts = [MARKER]
        if access:
            parts += ["## Who gains or loses access", *(access_summary(*item, most) for item in access.items())]
        parts += ["## What this pull request changes", *(summary(*item, most) for item in previews.items())]
        text = "\n\n".join(parts)
        if len(text) <= LONGEST:
            break
    return text


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the previews, print or post the comment."""
    parser = argparse.ArgumentParser(prog="python -m tools.preview_comment", description=__doc__)
    parser.add_argument("previews", nargs="+", metavar="STACK=FILE", help="events of `pulumi preview --json`")
    parser.add_argument("--against", metavar="REVISION", help="tell who gains or loses access since this git revision")
    parser.add_argument("--post", action="store_true", help="write the comment to the pull request")
    options = parser.parse_args(arguments)
    previews: dict[str, Preview] = {}
    for item in options.previews:
        stack, _, file = item.partition("=")
        try:
            previews[stack] = parse(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            sys.exit(f"{item}: expected STACK=FILE with the events of `pulumi preview --json`: {error}")
    access: dict[str, Difference | str] = {}
    unknown = False
    for stack in previews if options.against else ():
        try:
            access[stack] = compared(stack, options.against)
        except UnknownError as error:
            access[stack], unknown = f"Access cannot be compared: {error}.", True
    text = comment(previews, access)
    print(_posted(text) if options.post else text)
    if unknown:
        # The comment says so, but nobody may take that for an answer.
        sys.exit(f"access cannot be compared with {options.against}")


def _posted(text: str) -> str:
    try:
        where = {name: os.environ[name] for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "PULL_REQUEST")}
    except KeyError as missing:
        sys.exit(f"{missing} is not set: --post needs GITHUB_TOKEN, GITHUB_REPOSITORY and PULL_REQUEST")
    return post(
        text,
        marker=MARKER,
        api=os.environ.get("GITHUB_API_URL", "https://api.github.com"),
        repository=where["GITHUB_REPOSITORY"],
        pull_request=where["PULL_REQUEST"],
        token=where["GITHUB_TOKEN"],
    )


if __name__ == "__main__":
    main()
