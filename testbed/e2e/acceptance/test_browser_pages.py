"""The platform's additions to MLflow's pages: the bar, and what is hidden."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from testbed.e2e.browser import CLOSED_ASSISTANT, Watch, session, sign_in, sign_out
from testbed.e2e.mlflow_client import Client
from tools.stack import Platform

ALICE = "alice@example.com"
# The input of a trace.
QUESTION = "a question"


def test_every_page_says_who_is_signed_in_and_lets_them_sign_out(
    browser: Browser, platform: Platform, passwords: dict[str, str], pictures: Path
) -> None:
    with session(browser) as page:
        sign_in(page, platform.url, ALICE, passwords[ALICE])
        expect(page.get_by_text("Recommendation models", exact=True)).to_be_visible()
        page.screenshot(path=pictures / "workspaces.png")
        for path in ("", "/experiments", "/models", "/settings/general"):
            page.goto(f"{platform.url}/#{path or '/'}?workspace=team-a")
            expect(page.get_by_role("banner", name="Platform")).to_contain_text(ALICE)
            expect(page.get_by_role("status").filter(has_text="Recommendation models")).to_be_visible()
        sign_out(page)
        assert page.url.startswith(f"https://dex.{platform.url.removeprefix('https://')}/")


def test_a_workspace_without_access_is_not_mistaken_for_an_empty_one(
    browser: Browser, platform: Platform, passwords: dict[str, str]
) -> None:
    with session(browser) as page:
        sign_in(page, f"{platform.url}/#/experiments?workspace=team-b", ALICE, passwords[ALICE])
        expect(page.get_by_role("status").filter(has_text="you have no access to it")).to_be_visible()


def test_nothing_is_shown_that_is_always_refused(
    browser: Browser, platform: Platform, passwords: dict[str, str]
) -> None:
    """The controls show that each page has been drawn."""
    refused = {
        "/": ("Workspaces", ("Create new workspace", "Information about UI telemetry")),
        "/?workspace=team-a": ("Recent Experiments", ("Start Demo", "MCP registry", "AI Gateway", "MLflow Assistant")),
        "/settings/general?workspace=team-a": ("Theme preference", ("Enable telemetry", "Demo data", "Webhooks")),
    }
    with session(browser) as page:
        sign_in(page, platform.url, ALICE, passwords[ALICE])
        for path, (control, texts) in refused.items():
            page.goto(f"{platform.url}/#{path}")
            expect(page.get_by_text(control, exact=True).first).to_be_visible()
            Watch(page).settle()
            shown = [text for text in texts if page.get_by_text(text, exact=True).locator("visible=true").count()]
            assert shown == [], path


def test_the_pages_ask_nobody_but_the_platform(browser: Browser, platform: Platform, passwords: dict[str, str]) -> None:
    """No telemetry, fonts or scripts from other hosts: the pages work on clusters without internet access."""
    host = platform.url.removeprefix("https://")
    with session(browser) as page:
        watch = Watch(page)
        sign_in(page, platform.url, ALICE, passwords[ALICE])
        page.goto(f"{platform.url}/#/experiments?workspace=team-a")
        watch.settle()
    assert watch.hosts == {host, f"dex.{host}"}


@pytest.fixture(scope="module")
def traces(platform: Platform, client: Client) -> str:
    """Address of a list with such a trace."""
    return f"{platform.url}/#/experiments/{client.script('trace', QUESTION, team='team-a')}/traces?workspace=team-a"


def test_the_bar_covers_no_button_of_mlflows_drawers(browser: Browser, passwords: dict[str, str], traces: str) -> None:
    """A drawer is as high as the window, with its buttons at the top. A click on a covered one fails."""
    with session(browser) as page:
        page.add_init_script(CLOSED_ASSISTANT)
        sign_in(page, traces, ALICE, passwords[ALICE])
        page.get_by_text(QUESTION).first.click()
        page.get_by_role("button", name="Close trace panel").click()
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_drawer_does_not_cover_that_the_session_has_ended(
    browser: Browser, passwords: dict[str, str], traces: str
) -> None:
    with session(browser) as page:
        page.add_init_script(CLOSED_ASSISTANT)
        sign_in(page, traces, ALICE, passwords[ALICE])
        page.get_by_text(QUESTION).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.context.clear_cookies()
        page.evaluate("fetch('ajax-api/3.0/mlflow/workspaces')")
        # By its place in the document: while a dialog is open, its library hides all else from screen readers.
        page.locator("#mlflow-platform-ended button").click()
        expect(page.locator("input[name=password]")).to_be_visible()
