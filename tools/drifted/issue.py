"""The issue about a stack's drift: opened, updated, and closed when nothing differs."""

from tools.drifted import report
from tools.drifted.drift import Drift
from tools.github import BOT, Repository


def marker(stack: str) -> str:
    """The beginning of the issue's text."""
    return f"<!-- mlflow-platform drift {stack} -->"


def keep(repository: Repository, one: Drift, *, account: str = BOT) -> str:
    """Open, edit or close the issue that this account has written; returns what was done.

    Raises:
        GitHubError: GitHub rejected the request or is unreachable.
    """
    title = f"{one.stack}: the cluster differs from the stack"
    text = f"{marker(one.stack)}\n\n{report.markdown(one)}"
    for found in repository.pages("issues?state=open"):
        body = found["body"] or ""
        if "pull_request" in found or found["user"]["login"] != account or not body.startswith(marker(one.stack)):
            continue
        if not one.differences:
            repository.call("PATCH", f"issues/{found['number']}", {"state": "closed", "state_reason": "completed"})
            return f"closed {found['html_url']}"
        if body != text:
            repository.call("PATCH", f"issues/{found['number']}", {"title": title, "body": text})
        return f"up to date: {found['html_url']}"
    if not one.differences:
        return "no drift, and no open issue"
    return f"opened {repository.call('POST', 'issues', {'title': title, 'body': text})['html_url']}"
