"""A stand-in for GitHub's comments on one pull request: as much of the API as the workflow uses, on loopback."""

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

PAGE_SIZE = 100


@dataclass(slots=True)
class GitHub:
    """The comments, and what was asked."""

    token: str
    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    requests: list[str] = field(default_factory=list[str])
    refusal: tuple[int, str] | None = None
    """Status and body of the answer to everything, instead of what was asked for."""

    def add(self, body: str) -> dict[str, Any]:
        """Write a comment."""
        number = len(self.comments) + 1
        path = f"/repos/example/platform/issues/comments/{number}"
        comment = {"id": number, "url": f"{self.url}{path}", "html_url": f"https://github.invalid{path}", "body": body}
        self.comments.append(comment)
        return comment


class _Server(ThreadingHTTPServer):
    def __init__(self, github: GitHub) -> None:
        self.github = github
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] - the one server that uses it

    def do_GET(self) -> None:
        if not self._asked("GET", r"/repos/example/platform/issues/7/comments"):
            return
        page = int(parse_qs(urlsplit(self.path).query)["page"][0])
        self._answer(HTTPStatus.OK, self.server.github.comments[PAGE_SIZE * (page - 1) : PAGE_SIZE * page])

    def do_POST(self) -> None:
        if self._asked("POST", r"/repos/example/platform/issues/7/comments"):
            self._answer(HTTPStatus.CREATED, self.server.github.add(self._body()))

    def do_PATCH(self) -> None:
        if match := self._asked("PATCH", r"/repos/example/platform/issues/comments/(\d+)"):
            comment = self.server.github.comments[int(match[1]) - 1]
            comment["body"] = self._body()
            self._answer(HTTPStatus.OK, comment)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: the requests are kept."""

    def _asked(self, method: str, pattern: str) -> re.Match[str] | None:
        github = self.server.github
        github.requests.append(method)
        if github.refusal is not None:
            self._send(github.refusal[0], github.refusal[1].encode())
            return None
        match = re.fullmatch(pattern, urlsplit(self.path).path)
        if self.headers["Authorization"] != f"Bearer {github.token}":
            self._answer(HTTPStatus.UNAUTHORIZED, {"message": "Bad credentials"})
            return None
        if match is None:
            self._answer(HTTPStatus.NOT_FOUND, {"message": "Not Found"})
        return match

    def _body(self) -> str:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]

    def _answer(self, status: HTTPStatus, document: object) -> None:
        self._send(status, json.dumps(document).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def serving(token: str) -> Generator[GitHub]:
    """GitHub, for as long as the block takes."""
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
