"""Fixtures of several acceptance tests: the attacks' callers and objects, and browsers with people's passwords."""

import json
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from testbed.e2e import browser as browsers
from testbed.e2e.attack import world
from testbed.e2e.attack.callers import callers
from testbed.e2e.attack.line import Line
from testbed.e2e.attack.verdict import Caller
from testbed.e2e.attack.world import World
from testbed.e2e.commands import run
from testbed.e2e.web import Site
from tools.stack import Platform


@pytest.fixture(scope="module")
def everybody(site: Site, platform: Platform) -> Generator[dict[str, Caller]]:
    with callers(site, platform) as found:
        yield found


@pytest.fixture(scope="module")
def victim(site: Site, everybody: dict[str, Caller]) -> World:
    owner = everybody["other manager"]
    return world.make(Line(site), owner.token, owner.workspace)


@pytest.fixture(scope="module")
def playwright() -> Generator[Playwright]:
    # A page that a busy machine draws is waited for.
    expect.set_options(timeout=browsers.PAGE_MILLISECONDS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    with browsers.chromium(playwright, tmp_path_factory.mktemp("home"), platform.authority) as started:
        yield started


@pytest.fixture(scope="module")
def passwords() -> dict[str, str]:
    return json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)
