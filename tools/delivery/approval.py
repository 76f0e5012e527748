"""`Approval`: which plan of a stack was approved, where and by whom."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tools.github import Repository, author
from tools.plan.fingerprint import VALUE, Fingerprint, read
from tools.plan.report import MARKER
from tools.pull_request import approvers, merged_as, own_comment


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """Approval of a stack's plan."""

    where: str
    """Place of the approval, for the log, for example `pull request #7 (https://...)`."""

    fingerprint: Fingerprint | None = None
    """Fingerprint of the plan that was shown; None if none was shown."""

    by: Sequence[str] = ()
    """Accounts that approve; empty if nobody does."""

    void: Sequence[str] = ()
    """Reasons why other approvals do not count."""


class MalformedError(Exception):
    """The value of APPROVED is not a fingerprint."""


def given(stack: str, value: str) -> Approval:
    """The approval in the variable APPROVED; everybody who can set this variable can approve.

    Raises:
        MalformedError: the value is not a fingerprint.
    """
    if not VALUE.fullmatch(value):
        raise MalformedError(
            f"APPROVED is not a fingerprint: expected sha256: and 64 hexadecimal digits, found {value[:80]!r}"
        )
    who = os.environ.get("APPROVER") or "whoever set APPROVED"
    return Approval(where="the variable APPROVED", fingerprint=Fingerprint(stack=stack, value=value), by=[who])


def at_github(repository: Repository, stack: str, commit: str) -> Approval:
    """The approval of the pull request whose merge created a commit.

    Raises:
        GitHubError: GitHub rejected a request or is unreachable.
    """
    found = merged_as(repository, commit)
    if found is None:
        return Approval(where=f"commit {commit[:12]}, which no pull request has created")
    where = f"pull request #{found.number} ({found.url})"
    comment = own_comment(repository, found.number, marker=MARKER, account=author())
    fingerprint = None if comment is None else read(comment.text, stack)
    if comment is None or fingerprint is None:
        return Approval(where=f"{where}, which has no plan of {stack} in a comment that {author()} alone has written")
    by, void = approvers(repository, found, since=comment.written)
    return Approval(where=where, fingerprint=fingerprint, by=by, void=void)
