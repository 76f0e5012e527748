"""Plan of one or more stacks: the effects of an `up`, for the person who has to approve it.

`python -m tools.plan STACK=EVENTS...` reads the events that `pulumi preview --json` streams with
PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true, and the stack files. It needs no cluster, Pulumi or passphrase. With `--post`
the plan becomes a comment of the pull request, replacing that of an earlier run; this needs GITHUB_TOKEN,
GITHUB_REPOSITORY and PULL_REQUEST in the environment.

Exit codes: 0 the changes are safe; 1 at least one needs approval; 2 at least one would fail, or an argument is wrong.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.github import GitHubError, MissingVariableError, Repository, author, required
from tools.plan import report
from tools.plan.as_json import as_json
from tools.plan.plan import CODES, Plan
from tools.plan.reading import ArgumentError, planned, previewed, price_list
from tools.pull_request import post
from tools.revision import exists
from tools.terminal import shows_colours

WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print or post the plan; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        previews = dict(previewed(item) for item in options.previews)
        prices = price_list(Path(options.prices)) if options.prices else None
        plans = [planned(stack, preview, options.against, prices) for stack, preview in previews.items()]
        if options.post:
            print(_posted(report.markdown(plans, commit=options.commit)))
        else:
            print(_written(plans, options.format, options.commit))
    except ArgumentError as error:
        print(error, file=sys.stderr)
        return WRONG
    if options.against and not exists(options.against):
        # The plan says so too, but an empty list would look like "nobody".
        print(f"there is no git revision {options.against} to compare with", file=sys.stderr)
        return WRONG
    return max((CODES[one.outcome] for one in plans), default=0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.plan", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "previews",
        nargs="+",
        metavar="STACK=EVENTS",
        help="name of the stack, and the file with the events of its preview",
    )
    parser.add_argument(
        "--against", default="", metavar="REVISION", help="git revision to compare access and sums with"
    )
    parser.add_argument(
        "--prices", default="", metavar="FILE", help="price list: money per month, as in docs/pull-requests.md"
    )
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="form of the plan")
    parser.add_argument("--commit", default="", help="commit that the plan is of, which the comment names")
    parser.add_argument("--post", action="store_true", help="post the plan to the pull request")
    return parser


def _written(plans: Sequence[Plan], form: str, commit: str) -> str:
    if form == "json":
        return as_json(plans)
    if form == "markdown":
        return report.markdown(plans, commit=commit)
    return report.text(plans, coloured=shows_colours())


def _posted(text: str) -> str:
    try:
        repository = Repository.from_environment(needs="pull-requests: write")
        pull_request = required("PULL_REQUEST")
    except MissingVariableError as missing:
        message = f"{missing} is not set: --post needs GITHUB_TOKEN, GITHUB_REPOSITORY and PULL_REQUEST"
        raise ArgumentError(message) from None
    try:
        return post(repository, text, marker=report.MARKER, pull_request=pull_request, account=author())
    except GitHubError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    sys.exit(main())
