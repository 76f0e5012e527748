"""Pull requests at GitHub: the comment with the plan, and the accounts that approved the merged commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.github import BOT, Repository

# Permissions of the people whose approval counts. In a public repository, anybody can write a review.
WRITERS = frozenset({"admin", "maintain", "write"})
# States of a review that say something about the change.
VERDICTS = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
WRITTEN_BY = """query ($id: ID!) { node(id: $id) { ... on Comment {
  author { __typename login } editor { __typename login } } } }"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    """A pull request that was merged."""

    number: int
    url: str
    head: str
    """Commit that was reviewed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """A comment that a workflow has written, and nobody else has edited."""

    text: str
    written: datetime
    """Time of the last change of the text."""


def post(repository: Repository, text: str, *, marker: str, pull_request: str, account: str = BOT) -> str:
    """Create the comment, or replace the account's own that begins with the marker; returns the comment's URL.

    A comment with the same text stays untouched, because an approval counts only if it is younger than the text.

    Raises:
        GitHubError: GitHub rejected the request or is unreachable.
    """
    path = f"issues/{pull_request}/comments"
    for earlier in repository.pages(path):
        if _is_by(account, earlier, marker):
            if earlier["body"] == text:
                return earlier["html_url"]
            return repository.call("PATCH", earlier["url"], {"body": text})["html_url"]
    return repository.call("POST", path, {"body": text})["html_url"]


def merged_as(repository: Repository, commit: str) -> PullRequest | None:
    """The pull request whose merge created a commit; None if the commit was pushed without one. Raises as `post`."""
    for found in repository.pages(f"commits/{commit}/pulls"):
        if found["merged_at"] and found["merge_commit_sha"] == commit:
            return PullRequest(number=found["number"], url=found["html_url"], head=found["head"]["sha"])
    return None


def own_comment(repository: Repository, number: int, *, marker: str, account: str = BOT) -> Comment | None:
    """The comment with the marker that this account has written; None without one. Raises as `post`.

    Anybody can write a comment that begins with the marker, and everybody who may push can edit the account's comment.
    Such comments do not count.
    """
    for found in repository.pages(f"issues/{number}/comments"):
        if _is_by(account, found, marker) and _is_untouched(repository, found):
            return Comment(text=found["body"], written=datetime.fromisoformat(found["updated_at"]))
    return None


def _is_by(account: str, comment: Mapping[str, Any], marker: str) -> bool:
    # The account of a comment may have been deleted.
    user: Mapping[str, str] = comment["user"] or {"login": ""}
    return comment["body"].startswith(marker) and user["login"] == account


def _is_untouched(repository: Repository, comment: Mapping[str, Any]) -> bool:
    """True if nobody but its author has edited a comment."""
    found = repository.ask(WRITTEN_BY, id=comment["node_id"])["node"]
    return found["editor"] is None or found["editor"] == found["author"]


def approvers(repository: Repository, found: PullRequest, *, since: datetime) -> tuple[list[str], list[str]]:
    """Accounts that approve the commit that was merged, and why other approvals do not count. Raises as `post`.

    Args:
        repository: the repository of the pull request.
        found: the pull request.
        since: time at which the plan was written; older approvals are for an earlier plan.
    """
    last: dict[str, Mapping[str, Any]] = {}
    for review in repository.pages(f"pulls/{found.number}/reviews"):
        # A remark does not take an approval back.
        if review["state"] in VERDICTS and review["user"] is not None:
            last[review["user"]["login"]] = review
    given: list[str] = []
    void: list[str] = []
    for name, review in sorted(last.items()):
        if review["state"] != "APPROVED":
            continue
        if review["commit_id"] != found.head:
            void.append(f"{name} approved another commit ({review['commit_id'][:12]})")
        elif datetime.fromisoformat(review["submitted_at"]) < since:
            void.append(f"{name} approved before the plan was posted")
        elif repository.call("GET", f"collaborators/{name}/permission")["permission"] not in WRITERS:
            void.append(f"{name} has no write access to the repository")
        else:
            given.append(name)
    return given, void
