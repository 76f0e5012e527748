"""Check that a plan may be applied: `python -m tools.delivery STACK=EVENTS`, with the events of a preview.

The plan's fingerprint must equal the approved one, which the variable APPROVED has, with the approver's name in
APPROVER. Without APPROVED, the approved fingerprint is read from the comment in the pull request whose merge created
COMMIT; this needs GITHUB_TOKEN and GITHUB_REPOSITORY. A safe plan needs no approval, but must not differ from a plan
that was shown.

Prints one sentence that names the plan, where it was approved and by whom, for the log and for the stack's history.

Exit codes: 0 the plan may be applied; 2 it would fail, or the approved plan is unknown; 3 it differs from the approved
plan; 4 nobody has approved it.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.delivery.approval import Approval, MalformedError, at_github, given
from tools.github import GitHubError, MissingVariableError, Repository
from tools.plan import report
from tools.plan.fingerprint import Fingerprint, differences, fingerprint
from tools.plan.plan import Plan
from tools.plan.reading import ArgumentError, planned, previewed, price_list
from tools.revision import exists
from tools.stack_file import UnknownError

GO, WRONG, DIFFERENT, UNAPPROVED = 0, 2, 3, 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the plan; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        plan = _plan(options)
        if plan.outcome == "refused":
            print(report.text([plan], coloured=False), file=sys.stderr)
            return WRONG
        return _judged(plan, fingerprint(plan), _approval(plan.stack))
    except MissingVariableError as missing:
        print(f"{missing} is not set: it is needed to find the pull request of COMMIT", file=sys.stderr)
    except (ArgumentError, GitHubError, MalformedError, UnknownError) as error:
        print(error, file=sys.stderr)
    return WRONG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.delivery", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "preview", metavar="STACK=EVENTS", help="name of the stack, and the file with the events of its preview"
    )
    parser.add_argument("--against", default="", metavar="REVISION", help="git revision that the plan compares with")
    parser.add_argument("--prices", default="", metavar="FILE", help="price list of the plan")
    return parser


def _plan(options: argparse.Namespace) -> Plan:
    stack, preview = previewed(options.preview)
    if options.against and not exists(options.against):
        # An empty list of who gains access would look like "nobody".
        raise ArgumentError(f"there is no git revision {options.against} to compare with")
    prices = price_list(Path(options.prices)) if options.prices else None
    return planned(stack, preview, options.against, prices)


def _approval(stack: str) -> Approval:
    if value := os.environ.get("APPROVED"):
        return given(stack, value)
    if commit := os.environ.get("COMMIT"):
        return at_github(Repository.from_environment(needs="pull-requests: read"), stack, commit)
    return Approval(where="no pull request: neither APPROVED nor COMMIT is set")


def _judged(plan: Plan, now: Fingerprint, approval: Approval) -> int:
    """Print why the plan may be applied, or why not; returns the exit code."""
    approved = approval.fingerprint
    if approved is not None and approved.value != now.value:
        print(_other(plan, approved, now, approval), file=sys.stderr)
        return DIFFERENT
    if plan.outcome == "approval" and not approval.by:
        print(_unapproved(plan, now, approval), file=sys.stderr)
        return UNAPPROVED
    by = f"approved by {', '.join(approval.by)}" if approval.by else "safe, so it needs no approval"
    print(f"{plan.stack}: plan {now.value}, {by}; {approval.where}")
    return GO


def _other(plan: Plan, approved: Fingerprint, now: Fingerprint, approval: Approval) -> str:
    found = differences(approved, now)
    return "\n".join(
        [
            f"{plan.stack}: the plan is not the approved one, so nothing was applied.",
            f"approved: {approved.value} in {approval.where}",
            f"now:      {now.value}",
            *([f"  {line}" for line in found] or ["what differs is unknown, because only a fingerprint was given"]),
            "The plan as it is now:",
            "",
            report.text([plan], coloured=False),
        ]
    )


def _unapproved(plan: Plan, now: Fingerprint, approval: Approval) -> str:
    return "\n".join(
        [
            f"{report.headline(plan)}; nobody has approved it, so nothing was applied.",
            f"looked at: {approval.where}",
            *(f"  {line}" for line in approval.void),
            f"now:       {now.value}",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
