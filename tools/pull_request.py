"""GitHub client that posts the preview comment to a pull request."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

# Timeout of a request to GitHub.
SECONDS = 30
# Explanations of GitHub's status codes.
HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token is invalid or expired",
    HTTPStatus.FORBIDDEN: "the token probably needs `pull-requests: write`",
    HTTPStatus.NOT_FOUND: "the repository or pull request does not exist, or the token has no access to it",
}


def post(text: str, *, marker: str, api: str, repository: str, pull_request: str, token: str) -> str:
    """Create the comment, or replace an earlier one that begins with the marker; returns the comment's URL.

    Raises:
        SystemExit: GitHub rejected the request or is unreachable; the message contains GitHub's answer and a remedy.
    """

    def call(method: str, url: str, body: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - any JSON
        request = urllib.request.Request(  # noqa: S310 - the address is GitHub's, from its own environment
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - likewise
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                sys.exit(f"GitHub answered {error.code} to {method} {url}: {_reason(error)}")
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            sys.exit(f"GitHub cannot be reached by {method} {url}: {reason}")

    comments = f"{api}/repos/{repository}/issues/{pull_request}/comments"
    page = 1
    while found := call("GET", f"{comments}?per_page=100&page={page}"):
        for earlier in found:
            if earlier["body"].startswith(marker):
                return call("PATCH", earlier["url"], {"body": text})["html_url"]
        page += 1
    return call("POST", comments, {"body": text})["html_url"]


def _reason(error: urllib.error.HTTPError) -> str:
    """GitHub's error message, followed by an explanation of the status code."""
    try:
        said = [str(json.load(error)["message"])]
    except (ValueError, KeyError, TypeError):
        said = []
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        hint = "GitHub has a problem: run the job again"
    else:
        hint = HINTS.get(error.code, "")
    return "; ".join(filter(None, [*said, hint])) or error.reason
