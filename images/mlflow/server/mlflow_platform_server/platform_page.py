"""Additions to MLflow's pages: a bar with the caller's name, and a stylesheet that hides what the server refuses.

MLflow's bundle is served as it is. Only its start page gets two more lines, which load page/page.css and page/page.js.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlflow_platform_server import answers
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.scope import facts

FOLDER = Path(__file__).with_name("page")
# Routes of the platform's own (routes.toml), below the address of the page.
FILES = "mlflow-platform/"
CALLER = "/ajax-api/3.0/mlflow-platform/caller"
# A query that OAuth2-Proxy's sign-in page understands: it then does not sign the person in again at once.
SIGNED_OUT = "signed-out"
# More than the start page has. The build of the image fails for a larger one (page_census.py).
LARGEST_PAGE = 256 * 1024
END_OF_HEAD = b"</head>"
# Headers that describe the body as MLflow has written it.
OF_BODY = frozenset({b"content-length", b"etag", b"last-modified", b"accept-ranges", b"cache-control"})
# Headers of requests that would be answered with a part of the body, without one, or with a compressed one.
CONDITIONS = frozenset({b"if-none-match", b"if-modified-since", b"if-range", b"range", b"accept-encoding"})
NOSNIFF = (b"x-content-type-options", b"nosniff")
_QUOTED = re.compile(r'="#?([^"]+)"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Hidden:
    """CSS selectors of hidden elements."""

    never: tuple[str, ...]
    """Selectors of elements that no feature offers."""

    features: dict[str, tuple[str, ...]]
    """Selectors of elements by the feature that offers them."""

    def without(self, features: Collection[str]) -> Iterator[str]:
        """The selectors of the elements that are hidden while these features are on."""
        yield from self.never
        for feature, selectors in self.features.items():
            if feature not in features:
                yield from selectors

    def values(self) -> set[str]:
        """The attributes' values in all selectors, without the `#` of links: MLflow's pages have to contain them."""
        every = (*self.never, *(selector for selectors in self.features.values() for selector in selectors))
        return {value for selector in every for value in _QUOTED.findall(selector)}


def hidden() -> Hidden:
    """The selectors of page/hidden.toml."""
    document: dict[str, Any] = tomllib.loads((FOLDER / "hidden.toml").read_text(encoding="utf-8"))
    features = {name: tuple(selectors) for name, selectors in document["features"].items()}
    return Hidden(never=tuple(document["never"]), features=features)


def stylesheet(selectors: Iterable[str]) -> str:
    """The stylesheet of the pages. Each selector has a rule of its own: a browser drops a rule that it cannot read."""
    # MLflow's own rules are marked as important too. An ID, even one that nothing has, counts more than their classes.
    rules = "".join(f":root:not(#none) {selector} {{ display: none !important; }}\n" for selector in selectors)
    return (FOLDER / "page.css").read_text(encoding="utf-8") + rules


def with_addition(page: bytes, added: bytes) -> bytes | None:
    """The start page with `added` in its head; None if the page has no head or is too large."""
    if END_OF_HEAD not in page or len(page) > LARGEST_PAGE:
        return None
    return page.replace(END_OF_HEAD, added + END_OF_HEAD, 1)


def sign_out(path: str) -> str:
    """Address of OAuth2-Proxy's page for signing out, relative to the platform's, which is served below `path`."""
    return f"oauth2/sign_out?rd={quote(f'{path}/?{SIGNED_OUT}', safe='')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    content: bytes
    media_type: bytes
    version: str
    """Digest of the content: the query of the file's address, so that browsers may keep it for ever."""


class PlatformPage:
    """ASGI middleware that adds to MLflow's start page, and serves what it adds."""

    def __init__(self, app: App, features: Collection[str], path: str = "") -> None:
        """`features` are those of routes.toml that are on; `path` is the URL path of the platform."""
        self._app = app
        self._sign_out = sign_out(path)
        css = stylesheet(hidden().without(features)).encode()
        self._files = {
            f"/{FILES}page.css": _file(css, b"text/css; charset=utf-8"),
            f"/{FILES}page.js": _file((FOLDER / "page.js").read_bytes(), b"text/javascript; charset=utf-8"),
        }
        style, script = (f".{name}?{file.version}" for name, file in self._files.items())
        self._added = f'<link href="{style}" rel="stylesheet"><script defer src="{script}"></script>'.encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"] if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} else ""
        if path == "/" and scope["method"] == "GET":
            headers = [(name, value) for name, value in scope["headers"] if name.lower() not in CONDITIONS]
            await self._app({**scope, "headers": headers}, receive, _Addition(send, self._added).pass_on)
        elif path in self._files:
            await _serve(scope, send, self._files[path])
        elif path == CALLER:
            await self._name(scope, send)
        else:
            await self._app(scope, receive, send)

    async def _name(self, scope: Message, send: Send) -> None:
        """Tell callers their own name."""
        caller = facts(scope).caller
        if caller is None:
            await answers.refuse(send, HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED", "Sign in.")
            return
        content = json.dumps({"user": caller.user, "signOut": self._sign_out}).encode()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), NOSNIFF]
        await _answer(send, content, headers)


def _file(content: bytes, media_type: bytes) -> _File:
    return _File(content=content, media_type=media_type, version=hashlib.sha256(content).hexdigest()[:16])


async def _serve(scope: Message, send: Send, file: _File) -> None:
    # During a rollout the start page may be of another release than this replica.
    same = scope["query_string"] == file.version.encode()
    caching = b"public, max-age=31536000, immutable" if same else b"no-store"
    await _answer(send, file.content, [(b"content-type", file.media_type), (b"cache-control", caching), NOSNIFF])


async def _answer(send: Send, content: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    # The web server (uvicorn) leaves the body out where the request was HEAD.
    sized = [*headers, (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": sized})
    await send({"type": "http.response.body", "body": content, "more_body": False})


class _Addition:
    """The answer with the start page, held back until it is complete, and then sent with the additions."""

    def __init__(self, send: Send, added: bytes) -> None:
        self._send = send
        self._added = added
        self._start: Message | None = None
        self._body = bytearray()

    async def pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            more = message.get("more_body", False)
            if not more or len(self._body) > LARGEST_PAGE:
                start, self._start = self._start, None
                await self._finish(start, more=more)

    async def _finish(self, start: Message, *, more: bool) -> None:
        body = bytes(self._body)
        longer = None if more else with_addition(body, self._added)
        if longer is not None:
            body = longer
            kept = [(name, value) for name, value in start["headers"] if name.lower() not in OF_BODY]
            sized = [*kept, (b"cache-control", b"no-cache"), (b"content-length", str(len(body)).encode())]
            start = {**start, "headers": sized}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _is_page(start: Message) -> bool:
    headers = {name.lower(): value for name, value in start["headers"]}
    html = headers.get(b"content-type", b"").startswith(b"text/html")
    return start["status"] == HTTPStatus.OK and html and b"content-encoding" not in headers
