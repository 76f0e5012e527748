"""A stand-in for GitHub: one repository with pull request 7, as much of the API as the workflows use, on loopback."""

import contextlib
import json
import re
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tools.github import BOT

PAGE_SIZE = 100
REPOSITORY = "/repos/example/platform"
WRITTEN = "2026-11-02T10:00:00Z"
Object = dict[str, Any]


@dataclass(slots=True)
class GitHub:
    """Content of the repository, and the requests."""

    token: str
    url: str = ""
    comments: list[Object] = field(default_factory=list[Object])
    editors: dict[str, str] = field(default_factory=dict[str, str])
    """Last editor of each comment, by the comment's node id."""

    pulls: dict[str, list[Object]] = field(default_factory=dict[str, list[Object]])
    """Pull requests by a commit that their merge created or that they contain."""

    reviews: list[Object] = field(default_factory=list[Object])
    permissions: dict[str, str] = field(default_factory=dict[str, str])
    issues: list[Object] = field(default_factory=list[Object])
    requests: list[str] = field(default_factory=list[str])
    refusal: tuple[int, str] | None = None
    """Status and body of the answer to every request, instead of the ordinary answers."""

    def add(self, body: str, by: str = BOT) -> Object:
        """Write a comment."""
        number = len(self.comments) + 1
        path = f"{REPOSITORY}/issues/comments/{number}"
        comment = {
            "id": number,
            "node_id": f"IC_{number}",
            "url": f"{self.url}{path}",
            "html_url": f"https://github.invalid{path}",
            "user": {"login": by},
            "updated_at": WRITTEN,
            "body": body,
        }
        self.comments.append(comment)
        return comment

    def merge(self, commit: str, head: str) -> None:
        """Merge the pull request."""
        found = {"number": 7, "html_url": "https://github.invalid/example/platform/pull/7", "head": {"sha": head}}
        self.pulls[commit] = [{**found, "merged_at": "2026-11-02T12:00:00Z", "merge_commit_sha": commit}]

    def review(self, by: str, commit: str, state: str = "APPROVED", at: str = "2026-11-02T11:00:00Z") -> None:
        """Review the pull request, as an account with write access."""
        self.permissions.setdefault(by, "write")
        self.reviews.append({"user": {"login": by}, "state": state, "commit_id": commit, "submitted_at": at})

    def open(self, title: str, body: str, by: str = BOT) -> Object:
        """Open an issue."""
        number = len(self.issues) + 1
        where = f"https://github.invalid/example/platform/issues/{number}"
        issue = {"number": number, "html_url": where, "user": {"login": by}, "title": title, "body": body}
        self.issues.append({**issue, "state": "open"})
        return self.issues[-1]

    def written_by(self, node: str) -> Object:
        """Author and last editor of a comment, as the GraphQL API names them: it names bots differently."""
        (comment,) = [one for one in self.comments if one["node_id"] == node]
        editor = self.editors.get(node)
        return {"author": _actor(comment["user"]["login"]), "editor": editor and _actor(editor)}

    def listed(self, path: str) -> list[Object] | None:
        """The items of a list; None if there is no such list."""
        if path == "/issues/7/comments":
            return self.comments
        if path == "/pulls/7/reviews":
            return self.reviews
        if path == "/issues":
            return [issue for issue in self.issues if issue["state"] == "open"]
        if match := re.fullmatch(r"/commits/(\w+)/pulls", path):
            return self.pulls.get(match[1], [])
        return None


def _actor(login: str) -> Object:
    name = login.removesuffix("[bot]")
    return {"__typename": "User" if name == login else "Bot", "login": name}


class _Server(ThreadingHTTPServer):
    def __init__(self, github: GitHub) -> None:
        self.github = github
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] - the one server that uses it

    def do_GET(self) -> None:
        path = self._asked("GET")
        if path is None:
            return
        github = self.server.github
        found = github.listed(path)
        if found is not None:
            page = int(parse_qs(urlsplit(self.path).query)["page"][0])
            self._answer(HTTPStatus.OK, found[PAGE_SIZE * (page - 1) : PAGE_SIZE * page])
        elif match := re.fullmatch(r"/collaborators/([\w-]+)/permission", path):
            self._answer(HTTPStatus.OK, {"permission": github.permissions.get(match[1], "read")})
        else:
            self._unknown()

    def do_POST(self) -> None:
        path = self._asked("POST")
        if path is None:
            return
        github = self.server.github
        if path == "/issues/7/comments":
            self._answer(HTTPStatus.CREATED, github.add(self._body()["body"]))
        elif path == "/issues":
            self._answer(HTTPStatus.CREATED, github.open(**self._body()))
        elif path == "/graphql":
            self._answer(HTTPStatus.OK, {"data": {"node": github.written_by(self._body()["variables"]["id"])}})
        else:
            self._unknown()

    def do_PATCH(self) -> None:
        path = self._asked("PATCH")
        if path is None:
            return
        github = self.server.github
        if match := re.fullmatch(r"/issues/comments/(\d+)", path):
            item = github.comments[int(match[1]) - 1]
        elif match := re.fullmatch(r"/issues/(\d+)", path):
            item = github.issues[int(match[1]) - 1]
        else:
            self._unknown()
            return
        item |= self._body()
        self._answer(HTTPStatus.OK, item)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: the requests are kept."""

    def _asked(self, method: str) -> str | None:
        """The path below the repository; None if the answer was a refusal."""
        github = self.server.github
        github.requests.append(method)
        if github.refusal is not None:
            self._send(github.refusal[0], github.refusal[1].encode())
            return None
        if self.headers["Authorization"] != f"Bearer {github.token}":
            self._answer(HTTPStatus.UNAUTHORIZED, {"message": "Bad credentials"})
            return None
        return urlsplit(self.path).path.removeprefix(REPOSITORY)

    def _unknown(self) -> None:
        self._answer(HTTPStatus.NOT_FOUND, {"message": "Not Found"})

    def _body(self) -> Object:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: HTTPStatus, document: object) -> None:
        self._send(status, json.dumps(document).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def serving(token: str) -> Generator[GitHub]:
    """Run the stand-in for GitHub while the block lasts."""
    github = GitHub(token=token)
    with _Server(github) as server:
        github.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
