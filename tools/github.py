"""Client of GitHub's API for one repository."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

API = "https://api.github.com"
# Account with which workflows write.
BOT = "github-actions[bot]"
# Timeout of a request to GitHub.
SECONDS = 30
PAGE_SIZE = 100


class GitHubError(Exception):
    """GitHub rejected a request or is unreachable; the message contains GitHub's answer and a remedy."""


class MissingVariableError(Exception):
    """An environment variable is not set; the message is its name."""


def required(name: str) -> str:
    """An environment variable; raises MissingVariableError if it is not set."""
    if not os.environ.get(name):
        raise MissingVariableError(name)
    return os.environ[name]


def author() -> str:
    """Account that writes plans and issues: that of GitHub's workflows, or that of another CI's app."""
    return os.environ.get("PLAN_AUTHOR") or BOT


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A repository at GitHub."""

    api: str
    name: str
    """Owner and name, as in `example/platform`."""

    token: str = field(repr=False)
    needs: str = ""
    """Permission that the token needs, for messages."""

    @classmethod
    def from_environment(cls, *, needs: str) -> "Repository":
        """The repository of a workflow.

        Raises:
            MissingVariableError: a variable that GitHub sets is not set.
        """
        return cls(
            api=os.environ.get("GITHUB_API_URL", API),
            token=required("GITHUB_TOKEN"),
            name=required("GITHUB_REPOSITORY"),
            needs=needs,
        )

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Call the API; the path begins below the repository, or is a whole address.

        Raises:
            GitHubError: GitHub rejected the request or is unreachable.
        """
        return self._send(method, path if "://" in path else f"{self.api}/repos/{self.name}/{path}", body)

    def pages(self, path: str) -> Iterator[Any]:
        """All items of a list, page by page; raises as `call`."""
        page = 1
        while found := self.call("GET", f"{path}{'&' if '?' in path else '?'}per_page={PAGE_SIZE}&page={page}"):
            yield from found
            page += 1

    def ask(self, query: str, **variables: str) -> dict[str, Any]:
        """Query the GraphQL API, for data that the REST API lacks; raises as `call`."""
        url = os.environ.get("GITHUB_GRAPHQL_URL", f"{self.api}/graphql")
        answer = self._send("POST", url, {"query": query, "variables": variables})
        if answer.get("errors"):
            raise GitHubError(f"GitHub answered {url}: {'; '.join(one['message'] for one in answer['errors'])}")
        return answer["data"]

    def _send(self, method: str, url: str, body: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - any JSON
        request = urllib.request.Request(  # noqa: S310 - the address is GitHub's, from its own environment
            url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - likewise
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise GitHubError(f"GitHub answered {error.code} to {method} {url}: {self._reason(error)}") from None
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise GitHubError(f"GitHub cannot be reached by {method} {url}: {reason}") from None

    def _reason(self, error: urllib.error.HTTPError) -> str:
        """GitHub's error message, followed by an explanation of the status code."""
        try:
            said = [str(json.load(error)["message"])]
        except (ValueError, KeyError, TypeError):
            said = []
        hints: dict[int, str] = {
            HTTPStatus.UNAUTHORIZED: "the token is invalid or expired",
            HTTPStatus.FORBIDDEN: f"the token probably needs `{self.needs}`",
            HTTPStatus.NOT_FOUND: "the repository or pull request does not exist, or the token has no access to it",
        }
        if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            hint = "GitHub has a problem: run the job again"
        else:
            hint = hints.get(error.code, "")
        return "; ".join(filter(None, [*said, hint])) or error.reason
