"""One comment in a pull request at GitHub, kept up to date."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

# An answer that takes longer does not come.
SECONDS = 30
# What else there is to say to an answer of GitHub's.
HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token is not one of GitHub's, or has expired",
    HTTPStatus.FORBIDDEN: "the token needs `pull-requests: write`, unless GitHub says otherwise",
    HTTPStatus.NOT_FOUND: "there is no such repository or pull request, or the token may not see it",
}


def post(text: str, *, marker: str, api: str, repository: str, pull_request: str, token: str) -> str:
    """Create the comment, or replace the one that begins with the marker; returns its address.

    Raises:
        SystemExit: GitHub refused or could not be reached; says what it answered and what to do.
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
            sys.exit(f"GitHub cannot be reached, {method} {url}: {reason}")

    comments = f"{api}/repos/{repository}/issues/{pull_request}/comments"
    page = 1
    while found := call("GET", f"{comments}?per_page=100&page={page}"):
        for earlier in found:
            if earlier["body"].startswith(marker):
                return call("PATCH", earlier["url"], {"body": text})["html_url"]
        page += 1
    return call("POST", comments, {"body": text})["html_url"]


def _reason(error: urllib.error.HTTPError) -> str:
    """GitHub's own words, and what they mean for the workflow."""
    try:
        said = [str(json.load(error)["message"])]
    except (ValueError, KeyError, TypeError):
        said = []
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        hint = "that is GitHub's own trouble: run the job again"
    else:
        hint = HINTS.get(error.code, "")
    return "; ".join(filter(None, [*said, hint])) or error.reason
