"""Access of groups and programs to every team, computed from the stack file without a cluster, Pulumi or secrets.

With --against, prints the changes of access since the stack file of that git revision: gains, then losses; within
each of the two, changes that include deletion come first.

Exit codes: 0 for success; 1 if the stack file has mistakes, which are listed as in a preview; 2 if there is no such
stack or revision. Missing secrets are only reported, because they do not change access.
"""

import argparse
import sys
from collections.abc import Sequence

from components.team.access_matrix import Matrix
from tools.access import report
from tools.access.difference import Difference, difference
from tools.access.stacks import past, present
from tools.access.words import COLOURED, PLAIN, Style
from tools.stack_file import UnknownError, UnreadableError
from tools.terminal import shows_colours

FORMATS = ("text", "json", "markdown")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the access matrix, or with --against the changes of access; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.access_matrix",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--stack", default="dev", help="name of the stack with the file Pulumi.STACK.yaml (default: dev)"
    )
    parser.add_argument(
        "--against", metavar="REVISION", default="", help="compare with this git revision, for example main"
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="output format (default: text, coloured on a terminal)"
    )
    options = parser.parse_args(arguments)
    try:
        now = present(options.stack)
        if now.secret_mistakes:
            print(now.secret_mistakes, file=sys.stderr)
        if options.against:
            found = difference(past(options.stack, options.against), now.matrix)
            print(_difference(options.stack, options.against, found, options.format))
        else:
            print(_matrix(options.stack, now.matrix, options.format))
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 1
    except UnknownError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _matrix(stack: str, now: Matrix, form: str) -> str:
    match form:
        case "json":
            return report.matrix_json(stack, now)
        case "markdown":
            return report.matrix_markdown(stack, now)
        case _:
            return report.matrix_text(stack, now, _style())


def _difference(stack: str, against: str, found: Difference, form: str) -> str:
    match form:
        case "json":
            return report.difference_json(stack, against, found)
        case "markdown":
            return report.difference_markdown(stack, against, found)
        case _:
            return report.difference_text(stack, against, found, _style())


def _style() -> Style:
    """The coloured style on a terminal that shows colours."""
    return COLOURED if shows_colours() else PLAIN


if __name__ == "__main__":
    sys.exit(main())
