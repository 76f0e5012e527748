"""The pull request's comment: what each stack's preview would change, written so that it can be updated in place.

`python -m tools.preview_comment dev=dev.json prod=prod.json` turns the output of `pulumi preview --json` into Markdown
on standard output; with `--post` the comment of an earlier run is replaced (GITHUB_TOKEN, GITHUB_REPOSITORY and
PULL_REQUEST in the environment).
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MARKER = "<!-- mlflow-platform preview -->"
# GitHub refuses comments above 65,536 characters.
LONGEST = 60_000
SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "±", "read": ">", "refresh": "~"}
# A replacement is three steps in the engine; the one called `replace` stands for it.
SHOWN = frozenset({"create", "update", "delete", "replace"})
DANGEROUS = frozenset({"delete", "replace"})


def summary(stack: str, preview: Mapping[str, Any]) -> str:
    """One stack's section of the comment."""
    steps = [step for step in preview.get("steps", ()) if step["op"] in SHOWN]
    counts = Counter(step["op"] for step in steps)
    errors = [entry["message"].strip() for entry in preview.get("diagnostics", ()) if entry["severity"] == "error"]
    headline = ", ".join(f"{counts[op]} to {op}" for op in SIGNS if counts[op]) or "no changes"
    parts = [f"### `{stack}`: {'the preview failed' if errors else headline}"]
    if errors:
        parts.append("\n".join(["```", *errors, "```"]))
    lost = [_name(step) for step in steps if step["op"] in DANGEROUS]
    if lost:
        parts.append("**Deleted or replaced:** " + ", ".join(f"`{name}`" for name in sorted(lost)))
    if steps:
        lines = "\n".join(_line(step) for step in sorted(steps, key=lambda step: (step["op"], step["urn"])))
        parts.append(f"<details><summary>All changes</summary>\n\n```diff\n{lines}\n```\n</details>")
    return "\n\n".join(parts)


def _name(step: Mapping[str, Any]) -> str:
    _, _, types, name = step["urn"].split("::", 3)
    return f"{types.rsplit('$', 1)[-1].rsplit(':', 1)[-1]} {name}"


def _line(step: Mapping[str, Any]) -> str:
    changed = sorted(step.get("detailedDiff") or ())
    detail = f": {', '.join(changed)}" if changed else ""
    return f"{SIGNS[step['op']]} {_name(step)}{detail}"


def comment(previews: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole comment, shortened to what GitHub takes."""
    text = "\n\n".join(
        [MARKER, "## What this pull request changes", *(summary(stack, made) for stack, made in previews.items())]
    )
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST] + "\n```\n</details>\n\nShortened: the workflow's log has the rest."


def post(text: str, *, api: str, repository: str, pull_request: str, token: str) -> str:
    """Create the comment, or replace the one that carries the marker; returns its address.

    Raises:
        SystemExit: GitHub refused; says the status and the address.
    """

    def call(method: str, url: str, body: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - any JSON
        request = urllib.request.Request(  # noqa: S310 - the address is GitHub's, from its own environment
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - likewise
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"GitHub answered {error.code} to {method} {url}: the token needs `pull-requests: write`")

    comments = f"{api}/repos/{repository}/issues/{pull_request}/comments"
    page = 1
    while found := call("GET", f"{comments}?per_page=100&page={page}"):
        for earlier in found:
            if MARKER in earlier["body"]:
                return call("PATCH", earlier["url"], {"body": text})["html_url"]
        page += 1
    return call("POST", comments, {"body": text})["html_url"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the previews, print or post the comment."""
    parser = argparse.ArgumentParser(prog="python -m tools.preview_comment", description=__doc__)
    parser.add_argument("previews", nargs="+", metavar="STACK=FILE", help="output of `pulumi preview --json`")
    parser.add_argument("--post", action="store_true", help="write the comment to the pull request")
    options = parser.parse_args(arguments)
    previews: dict[str, Any] = {}
    for item in options.previews:
        stack, _, file = item.partition("=")
        try:
            previews[stack] = json.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            sys.exit(f"{item}: expected STACK=FILE with the output of `pulumi preview --json`: {error}")
    text = comment(previews)
    if not options.post:
        print(text)
        return
    try:
        where = {name: os.environ[name] for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "PULL_REQUEST")}
    except KeyError as missing:
        sys.exit(f"{missing} is not set: --post needs GITHUB_TOKEN, GITHUB_REPOSITORY and PULL_REQUEST")
    print(
        post(
            text,
            api=os.environ.get("GITHUB_API_URL", "https://api.github.com"),
            repository=where["GITHUB_REPOSITORY"],
            pull_request=where["PULL_REQUEST"],
            token=where["GITHUB_TOKEN"],
        )
    )


if __name__ == "__main__":
    main()
