"""Headless Chromium, which trusts the platform's CA certificate as a person's browser does."""

import contextlib
import shutil
import time
from collections.abc import Generator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, Request, Response, expect

from testbed.e2e.commands import run

# Without these it looks up and calls its maker's services at every start.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The assistant's panel opens by itself on the first visit and covers a third of the page.
CLOSED_ASSISTANT = """
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
"""
PAGE_MILLISECONDS = 60_000
# A page counts as loaded when it has asked nothing for a second; one that refreshes itself is looked at after ten.
QUIET_SECONDS = 1.0
SETTLE_SECONDS = 10.0
POLL_MILLISECONDS = 100
VIEWPORT_WIDTH, VIEWPORT_HEIGHT = 1440, 900


@contextlib.contextmanager
def chromium(playwright: Playwright, home: Path, authority: str | None) -> Generator[Browser]:
    """A browser that trusts the CA certificate `authority` (PEM) besides the public ones."""
    program = shutil.which("chromium")
    assert program is not None, "chromium is not on PATH: tools/e2e installs it"
    _trust(home, authority)
    browser = playwright.chromium.launch(
        executable_path=program,
        headless=True,
        # Chromium's sandbox refuses to run as root, and the embedded cluster needs root.
        chromium_sandbox=False,
        args=list(QUIET),
        env={"HOME": str(home)},
    )
    try:
        yield browser
    finally:
        browser.close()


def _trust(home: Path, authority: str | None) -> None:
    """Fill the certificate database that Chromium reads for its user."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    run("certutil", "-N", "-d", f"sql:{database}", "--empty-password")
    if authority is not None:
        run("certutil", "-A", "-d", f"sql:{database}", "-n", "platform", "-t", "C,,", "-a", stdin=authority)


@contextlib.contextmanager
def session(browser: Browser) -> Generator[Page]:
    """A page in a new browser profile: no cookies, empty cache."""
    context = browser.new_context(viewport={"width": VIEWPORT_WIDTH, "height": VIEWPORT_HEIGHT})
    context.set_default_timeout(PAGE_MILLISECONDS)
    try:
        yield context.new_page()
    finally:
        context.close()


def sign_in(page: Page, url: str, user: str, password: str) -> None:
    """Open a page of the platform and fill in the identity provider's form."""
    page.goto(url)
    page.fill("input[name=login]", user)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: address.startswith(url.partition("/#")[0]))


def sign_out(page: Page) -> None:
    """Sign out by the link on a page, and begin to sign in again."""
    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out of MLflow")).to_be_visible()
    page.get_by_role("link", name="Sign in again").click()
    # Dex has no session of its own: the next to sign in may be somebody else.
    expect(page.locator("input[name=password]")).to_be_visible()


class Watch:
    """Network activity of a page: hosts, failed requests, and whether it is idle."""

    def __init__(self, page: Page) -> None:
        """Start recording."""
        self.hosts: set[str] = set()
        self.refused: set[str] = set()
        self._page = page
        self._last = time.monotonic()
        page.on("request", self._asked)
        page.on("response", self._answered)

    def settle(self) -> None:
        """Wait until the page has sent no request for a while."""
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < min(end, self._last + QUIET_SECONDS):
            self._page.wait_for_timeout(POLL_MILLISECONDS)

    def _asked(self, request: Request) -> None:
        self._last = time.monotonic()
        self.hosts.add(urlsplit(request.url).netloc)

    def _answered(self, response: Response) -> None:
        self._last = time.monotonic()
        if response.status >= HTTPStatus.BAD_REQUEST:
            self.refused.add(urlsplit(response.url).path)
