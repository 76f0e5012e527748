"""Differences between the cluster and the state of a stack: `python -m tools.drifted STACK`.

Declared fields are read from the state, deleted resources from `pulumi refresh --preview-only`, and present fields and
their writers from the objects in the cluster. With `--issue` an issue at GitHub is kept up to date too; this needs
GITHUB_TOKEN and GITHUB_REPOSITORY in the environment. Changes neither the state nor the cluster.

Exit codes: 0 nothing differs; 1 something differs; 2 the comparison failed.
"""

import argparse
import sys
from collections.abc import Sequence

from tools.drifted import report
from tools.drifted.drift import drift
from tools.drifted.engine import EngineError
from tools.drifted.issue import keep
from tools.drifted.look import LookError, answers, objects, refresh, resources
from tools.github import GitHubError, MissingVariableError, Repository, author

NONE, SOME, UNKNOWN = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the differences; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        known = resources(options.stack)
        found = drift(
            options.stack, known, objects(known), refresh(options.stack), answers=lambda: answers(options.stack)
        )
        print(report.as_json(found) if options.json else report.text(found))
        if options.issue:
            repository = Repository.from_environment(needs="issues: write")
            print(keep(repository, found, account=author()), file=sys.stderr)
    except MissingVariableError as missing:
        print(f"{missing} is not set: --issue needs GITHUB_TOKEN and GITHUB_REPOSITORY", file=sys.stderr)
        return UNKNOWN
    except (EngineError, GitHubError, LookError) as error:
        print(error, file=sys.stderr)
        return UNKNOWN
    return SOME if found.differences else NONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.drifted", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stack", help="name of the stack")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--issue", action="store_true", help="keep an issue at GitHub up to date")
    return parser


if __name__ == "__main__":
    sys.exit(main())
