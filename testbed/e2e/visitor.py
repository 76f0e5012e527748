"""A minimal browser: keeps cookies, follows redirects, fills in the login form."""

import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import Cookie, CookieJar

TIMEOUT_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The page that a visitor has reached."""

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Headers by name in lower case."""

    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")


class Visitor:
    """One browser profile: starts without cookies."""

    def __init__(self, authority: str | None) -> None:
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=authority)),
            urllib.request.HTTPCookieProcessor(self._cookies),
        )

    @property
    def cookies(self) -> list[Cookie]:
        """The stored cookies."""
        return list(self._cookies)

    def open(
        self,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Get a page, or post a `form` or any `content` to it, and follow redirects."""
        body = content if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data=body, headers=dict(headers or {}))  # noqa: S310 - the stack's own https
        try:
            answer = self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Page(url=answer.url, status=answer.status or 0, headers=named, body=answer.read())

    def sign_in(self, url: str, user: str, password: str) -> Page:
        """Open a page of the platform and fill in the identity provider's form on the way."""
        path = urllib.parse.urlsplit(url).path
        # The page between follows a script, which a visitor of this kind does not run.
        page = self.open(url if "/oauth2/" in path else f"{url.rstrip('/')}/oauth2/start?rd={path}")
        action = _Attributes(page.text).first("form", "action")
        assert action is not None, f"no login form at {page.url}"
        return self.open(urllib.parse.urljoin(page.url, action), form={"login": user, "password": password})


def files_of(page: Page) -> list[str]:
    """URLs of the scripts and style sheets that a page loads."""
    found = _Attributes(page.text)
    return [urllib.parse.urljoin(page.url, file) for file in (*found.all("script", "src"), *found.all("link", "href"))]


class _Attributes(HTMLParser):
    """Attributes of a document's elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._elements.append((tag, dict(attrs)))

    def all(self, tag: str, attribute: str) -> list[str]:
        return [value for name, attributes in self._elements if name == tag and (value := attributes.get(attribute))]

    def first(self, tag: str, attribute: str) -> str | None:
        return next(iter(self.all(tag, attribute)), None)
