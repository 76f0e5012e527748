"""Signing in and out in a browser: who gets in, what the session is, and what people see without one."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, expect

from testbed.e2e import browser as browsers
from testbed.e2e.browser import Watch, session, sign_in, sign_out
from tools.stack import Platform

ALICE, CAROL = "alice@example.com", "carol@example.com"


def test_a_wrong_password_lets_nobody_in(browser: Browser, platform: Platform) -> None:
    with session(browser) as page:
        page.goto(platform.url)
        page.fill("input[name=login]", ALICE)
        page.fill("input[name=password]", "a guess")
        page.click("button[type=submit]")
        expect(page.locator("input[name=password]")).to_be_visible()
        expect(page.get_by_text("Invalid")).to_be_visible()


def test_a_browser_that_does_not_know_the_authority_refuses_the_page(
    playwright: Playwright, platform: Platform, tmp_path: Path
) -> None:
    """The other tests' browsers trust the CA; one that does not must refuse the certificate."""
    with (
        browsers.chromium(playwright, tmp_path, None) as stranger,
        session(stranger) as page,
        pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"),
    ):
        page.goto(platform.url)


def test_the_session_is_kept_from_scripts_and_other_sites(
    browser: Browser, platform: Platform, passwords: dict[str, str]
) -> None:
    with session(browser) as page:
        sign_in(page, platform.url, ALICE, passwords[ALICE])
        cookies = [dict(cookie) for cookie in page.context.cookies(platform.url)]
    assert cookies
    for cookie in cookies:
        assert str(cookie["name"]).startswith("__Host-")
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")


def test_somebody_without_a_group_is_told_what_to_do(
    browser: Browser, platform: Platform, passwords: dict[str, str], pictures: Path
) -> None:
    with session(browser) as page:
        sign_in(page, platform.url, CAROL, passwords[CAROL])
        expect(page.get_by_role("heading", name="You are signed in, but you are in no team yet")).to_be_visible()
        expect(page.get_by_text(CAROL, exact=True)).to_be_visible()
        for team in platform.teams:
            expect(page.get_by_text(team)).to_have_count(0)
        page.screenshot(path=pictures / "no-team.png")
        sign_out(page)


def test_a_session_that_ends_under_an_open_page_is_noticed(
    browser: Browser, platform: Platform, passwords: dict[str, str]
) -> None:
    with session(browser) as page:
        watch = Watch(page)
        sign_in(page, f"{platform.url}/#/experiments?workspace=team-a", ALICE, passwords[ALICE])
        expect(page.get_by_role("link", name="Sign out")).to_be_visible()
        # A page that is still loading would lose the link that is clicked.
        watch.settle()
        page.context.clear_cookies()
        page.get_by_role("link", name="Prompts", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="Your session has ended")).to_be_visible()
        page.get_by_role("button", name="Sign in again").click()
        expect(page.locator("input[name=password]")).to_be_visible()
