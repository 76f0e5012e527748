"""Comment for a pull request: changes of access, and the changes in the preview of each stack.

`python -m tools.preview_comment dev=dev.json prod=prod.json` converts the events that `pulumi preview --json` streams
with PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true into Markdown on standard output. With `--against`, access is compared
with the stack files of that git revision. With `--post`, the comment is posted and replaces the comment of an earlier
run; this needs GITHUB_TOKEN, GITHUB_REPOSITORY and PULL_REQUEST in the environment.
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
# GitHub rejects comments above 65,536 characters.
LONGEST = 60_000
# Maximum number of lines in each list. If the comment is too long, it is rendered again with the next number, so that
# all stacks keep their headlines.
LENGTHS = (1_000_000, 200, 50, 10)
# Maximum length of a line in shortened lists.
LONGEST_LINE = 300
# Pulumi reports three steps for a replacement; only the step called `replace` is counted.
SIGNS = {"create": "+", "import": "=", "update": "~", "delete": "-", "replace": "±"}
DANGEROUS = frozenset({"delete", "replace"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """The planned change of a resource."""

    op: str
    name: str
    """Kind and name, for example `Namespace team-a-namespace`."""

    changed: tuple[str, ...]
    """Paths of the changed properties."""

    def __str__(self) -> str:
        """The change as a line of a diff."""
        detail = f": {', '.join(self.changed)}" if self.changed else ""
        return f"{SIGNS[self.op]} {self.name}{detail}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Result of a stack's preview."""

    changes: tuple[Change, ...]
    violations: tuple[str, ...]
    """Violated policies, one line each."""

    errors: tuple[str, ...]


def parse(events: str) -> Preview:
    """Parse the events of `pulumi preview --json`, one JSON object per line.

    Raises:
        ValueError: a line is not a JSON object.
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
            # The first line of the message is the policy's description; the violation follows.
            wrong = " ".join(policy["message"].strip().splitlines()[1:]) or policy["message"].strip()
            where = _name(policy["resourceUrn"]) if policy.get("resourceUrn") else "the stack"
            violations.append(f"{policy['policyName']} ({policy['enforcementLevel']}): {where}: {wrong}")
        elif (diagnostic := event.get("diagnosticEvent", {})).get("severity") == "error":
            errors.append(diagnostic["message"].strip())
        finished = finished or "summaryEvent" in event
    if not finished and not errors:
        errors.append("The preview did not finish; see the log of the workflow.")
    return Preview(changes=tuple(changes), violations=tuple(sorted(violations)), errors=tuple(errors))


def _name(urn: str) -> str:
    _, _, types, name = urn.split("::", 3)
    return f"{types.rsplit('$', 1)[-1].rsplit(':', 1)[-1]} {name}"


def summary(stack: str, preview: Preview, most: int = LENGTHS[0]) -> str:
    """The comment's section about a stack's preview; no list has more than `most` lines."""
    counts = Counter(change.op for change in preview.changes)
    headline = ", ".join(f"{counts[op]} to {op}" for op in SIGNS if counts[op]) or "no changes"
    parts = [f"### `{stack}`: {'the preview failed' if preview.errors else headline}"]
    if preview.violations:
        parts.append(
            "\n".join(["**Policy violations:**", "", *_first([f"- {line}" for line in preview.violations], most)])
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
    return [*kept, f"and {left} more in the log of the workflow"] if left else kept


def access_summary(stack: str, found: Difference | str, most: int = LENGTHS[0]) -> str:
    """The comment's lines about a stack's access; if `found` is a string, it says why access is not compared."""
    if isinstance(found, str):
        return f"**`{stack}`**: {found}"
    lines = sentences(found, MARKDOWN)
    if found.nothing and len(lines) == 1:
        return f"**`{stack}`**: {lines[0][0].lower()}{lines[0][1:]}"
    return "\n".join([f"**`{stack}`**:", "", *_first([f"- {sentence}" for sentence in lines], most)])


def comment(previews: Mapping[str, Preview], access: Mapping[str, Difference | str] | None = None) -> str:
    """The complete comment, with lists shortened until GitHub accepts the comment's length."""
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
    """Read the previews, and print or post the comment."""
    parser = argparse.ArgumentParser(prog="python -m tools.preview_comment", description=__doc__)
    parser.add_argument("previews", nargs="+", metavar="STACK=FILE", help="stack and file with the preview's events")
    parser.add_argument("--against", metavar="REVISION", help="add the changes of access since this git revision")
    parser.add_argument("--post", action="store_true", help="post the comment to the pull request")
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
        # The comment says so too, but the job must fail.
        sys.exit(f"access cannot be compared with {options.against}: the comment has the reason")


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
